// Addresses that no provider has: link-local ones, at which a cloud tells a machine its own secrets, keys among them.
#include "library.h"
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool is_link_local(const struct sockaddr *address) {
  uint32_t four = 0;
  if (address->sa_family == AF_INET) {
    memcpy(&four, &((const struct sockaddr_in *)address)->sin_addr, sizeof four);
  } else if (address->sa_family == AF_INET6) {
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    // Not link-local, but Amazon's for the same purpose.
    static const unsigned char amazon[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
    if (IN6_IS_ADDR_LINKLOCAL(six) || memcmp(six, amazon, sizeof amazon) == 0) return true;
    if (IN6_IS_ADDR_V4MAPPED(six)) memcpy(&four, six->s6_addr + 12, sizeof four);
  }
  return ntohl(four) >> 16 == (169u << 8 | 254u);
}

bool ccurl_is_link_local(const char *host) {
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, NULL, &hints, &found)) return false;
  bool is = is_link_local(found->ai_addr);
  freeaddrinfo(found);
  return is;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  ccurl_addresses *addresses = context;
  if (is_link_local(&address->addr)) {
    addresses->refused = true;
    return CURL_SOCKET_BAD;
  }
  addresses->tried = true;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURLcode ccurl_refuse_link_local(CURL *easy, ccurl_addresses *addresses) {
  CURLcode code = library.curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, addresses);
  return code ? code : library.curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}
