// The reader's page: wires the parts together. Each is a module of its own and knows as little of the others as it can.

import { Announcer } from "./announcer.js";
import { Bookmark } from "./bookmark.js";
import { Cast } from "./cast.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Door } from "./door.js";
import { Leaf } from "./leaf.js";
import { Library, LibraryError } from "./library.js";
import { hexadecimal, lasting, randomName, tab } from "./memory.js";
import { clean } from "./prose.js";
import { Status } from "./status.js";
import { Thread } from "./thread.js";
import { Welcome } from "./welcome.js";
import { endWords, failureWords, switchWords } from "./words.js";

const at = (id) => document.getElementById(id);
const token = () => tab.get("token");
const begun = lasting.get("session");
let session = begun ?? randomName();
let earlierTurn = null;
const retryMilliseconds = 3000;
let beginning = null;
// The pages of one change come as so many records: a look once they have come serves them all.
const changeMilliseconds = 300;
let looking = null;
// An answer that goes to somebody else is looked at so often.
const elsewhereMilliseconds = 2000;
let watching = null;
let isPastHidden = false;
lasting.set("session", session);

const library = new Library(token);
const announcer = new Announcer(at("announcer"));
const connection = new Connection({
  open: () => {
    const address = new URL(`ws/${session}?resume=1`, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    return new WebSocket(address, ["gibsey.v1", ...(token() ? [`gibsey.token-hex.${hexadecimal(token())}`] : [])]);
  },
  probe: () => library.characters().then(() => 200, (error) => error.status ?? 0),
  onState: connectionChanged,
  onRecord: received,
});
const send = (type, data) => connection.send(type, data);
const status = new Status({
  box: at("state"), words: at("state-words"), button: at("state-now"), announcer,
  onNow: () => (beginning === null ? connection.hurry() : begin()),
});
const conversation = new Conversation({ send, onTurn: turnChanged, onNote: (record) => note(failureWords(record)) });
const bookmark = new Bookmark({
  input: at("page"), total: at("page-total"), trouble: at("page-trouble"), send, find: (wanted) => library.place(wanted), onMove: moved,
});
const cast = new Cast({
  list: at("cast-list"), button: at("cast-button"), name: at("cast-name"), panel: at("cast"), onChoose: choose,
});
const leaf = new Leaf({
  dialog: at("leaf"), library, gate: () => bookmark.place, colourOf: (id) => cast.named(id)?.colour,
});
const thread = new Thread(at("thread"), {
  nameOf: (id) => cast.nameOf(id), followButton: at("follow"), onRetry: retry, onPage: (id, quotes) => leaf.open(id, quotes),
});
const door = new Door({
  dialog: at("door"),
  onToken: (given) => {
    tab.set("token", given);
    begin();
  },
});
const welcome = new Welcome({
  box: at("welcome"),
  onAsk: (prompt, name) => {
    send("prompt_selection", { prompt_id: name });
    ask(prompt);
  },
});
const composer = new Composer({ form: at("composer"), field: at("question"), stop: at("stop"), onAsk: ask, onStop: stop });

/** Reads who is there and what was said, then opens the socket. */
async function begin() {
  clearTimeout(beginning);
  beginning = null;
  try {
    const characters = await library.characters();
    const isThere = (wanted) => characters.some(({ id }) => id === wanted);
    const chosen = [lasting.get("character"), await library.opener()].find(isThere) ?? characters[0].id;
    cast.fill(characters, chosen);
    composer.address(cast.nameOf(chosen));
    await bookmark.settle();
    if (begun) await recall();
    else redraw();
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    if (error.status === 401 || error.status === 403) return shut();
    status.show({ name: "lost", at: Date.now() + retryMilliseconds, isFull: error.status === 503 });
    beginning = setTimeout(begin, retryMilliseconds);
    return;
  }
  connection.open();
}

/** Draws what the server remembers of this conversation, as far as the reader has read. */
async function recall() {
  const asked = session;
  const place = bookmark.place;
  const { turns, earlier } = await library.turns(session, place?.id);
  if (asked !== session || place !== bookmark.place) return;
  isPastHidden = false;
  conversation.remember(turns);
  showEarlier(earlier);
  redraw();
  watch();
}

/** The bookmark lies elsewhere: what was said beyond it goes, what was said before it comes. */
function moved() {
  recall().catch(() => {
    isPastHidden = true;
    conversation.hidePast();
    showEarlier(null);
    redraw();
  });
}

/** As long as an answer goes to somebody else, looks now and then what there is of it. */
function watch() {
  clearTimeout(watching);
  if (!conversation.hasElsewhere) return;
  watching = setTimeout(async () => {
    const asked = session;
    const place = bookmark.place;
    try {
      const { turns } = await library.turns(session, place?.id);
      if (asked === session && place === bookmark.place) {
        for (const turn of conversation.renew(turns)) {
          thread.renew(turn);
          if (turn.state !== "elsewhere" && turn.character === cast.chosen) announcer.say(endWords(turn.end) ?? "The answer is whole.");
        }
      }
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error; // what is on the page stays as it is
    }
    watch();
  }, elsewhereMilliseconds);
}

/** Offers what was said before `number`; nothing when that is null. */
function showEarlier(number) {
  earlierTurn = number;
  at("earlier").hidden = number === null;
}

function redraw() {
  thread.fill(conversation.of(cast.chosen, bookmark.number));
  welcomeOrNot();
  mark();
}

function welcomeOrNot() {
  const isSilent = conversation.of(cast.chosen, bookmark.number).length === 0;
  if (isSilent) welcome.show(cast.nameOf(cast.chosen), bookmark.isAtStart ? 0 : bookmark.number);
  else welcome.hide();
}

function choose(id) {
  lasting.set("character", id);
  cast.choose(id);
  announcer.drop();
  note("");
  composer.address(cast.nameOf(id));
  redraw();
}

async function ask(prompt, parent) {
  note("");
  const character = cast.chosen;
  if (!await bookmark.turn()) return false;
  if (!conversation.ask(character, prompt, bookmark.place, parent)) {
    note("Not connected: your question stays here until it can be asked.");
    connection.hurry();
    return false;
  }
  return true;
}

function stop() {
  const turn = conversation.of(cast.chosen).find((open) => open.isOpen && !open.isStopping);
  if (turn) conversation.stop(turn);
}

/** Asks again: the new turn stands beside the old one, and the model is not shown that. */
async function retry(turn) {
  if (turn.isBeingRetried) return;
  turn.isBeingRetried = true;
  try {
    const asked = session;
    const { turns } = await library.turns(session, bookmark.place?.id).catch((error) => {
      if (!(error instanceof LibraryError)) throw error;
      return { turns: [] }; // then it follows what was said last, the old turn too
    });
    if (asked !== session || turn.character !== cast.chosen) return;
    const before = conversation.beforeRetry(turn, turns);
    if (!await ask(turn.prompt, before.parent)) return;
    if (!turn.text && before.isForgotten) {
      conversation.forget(turn);
      thread.remove(turn);
    }
    composer.focus();
  } finally {
    turn.isBeingRetried = false;
  }
}

/** What happened to a turn: on the page, and for those who listen. */
function turnChanged(turn, what, detail) {
  const isHere = turn.character === cast.chosen;
  if (isHere && what === "asked") {
    welcome.hide();
    thread.add(turn);
  } else if (isHere) {
    thread.show(turn, what, detail);
  }
  if (isHere) announce(turn, what, detail);
  if (what !== "token" || turn.seq === 0) mark();
}

function announce(turn, what, detail) {
  const name = cast.nameOf(turn.character);
  if (what === "token") {
    if (turn.text === detail) announcer.say(`${name} answers.`);
    announcer.add(clean(detail));
  }
  if (what === "switched") announcer.say(switchWords(detail));
  if (what !== "ended") return;
  const pages = new Set(turn.citations.map((citation) => citation.page_id)).size;
  const cited = pages === 0 ? "" : pages === 1 ? " One page is named." : ` ${pages} pages are named.`;
  if (turn.failure) announcer.end(failureWords(turn.failure));
  else if (turn.state === "lost") announcer.end("The connection was lost, and the answer with it.");
  else announcer.end(`${endWords(turn.end) ?? "End of the answer."}${cited}`);
}

/** Who is speaking, in the list and in the composer. */
function mark() {
  const open = conversation.open;
  cast.mark(new Set(open.map((turn) => turn.character)));
  composer.show(open.some((turn) => turn.character === cast.chosen && !turn.isStopping));
}

function note(words) {
  at("note").textContent = words;
  at("note").hidden = words === "";
  if (words) announcer.say(words);
}

function connectionChanged(state) {
  status.show(state);
  if (state.name === "lost") conversation.leave();
  if (state.name === "shut") shut();
}

function shut() {
  const wasGiven = token() !== null;
  tab.remove("token");
  status.show({ name: "shut" });
  door.open(wasGiven);
}

/** The index changed: reads again what shows it. */
async function look() {
  leaf.refresh();
  try {
    await bookmark.settle();
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error; // it is asked for again with the next question
  }
}

function received(type, data) {
  if (type === "connection_established") bookmark.tellServer();
  if ((type === "error" || type === "vault_update") && bookmark.heard(type, data)) return;
  // The page that went with a question is gone: the bookmark finds another.
  if (type === "error" && data.code === "UNKNOWN_PAGE") look();
  if (type === "cluster_event" && typeof data.event_data?.text === "string") note(`From the server: ${clean(data.event_data.text)}`);
  if (type === "page_update") {
    clearTimeout(looking);
    looking = setTimeout(look, changeMilliseconds);
  }
  conversation.receive(type, data);
  // The server still remembers an answer that ended while we were away.
  const isMissing = isPastHidden || conversation.turns.some((turn) => turn.state === "lost");
  if (type === "connection_established" && isMissing) {
    recall().catch(() => { /* what is on the page stays as it is */ });
  }
}

at("earlier").addEventListener("click", async () => {
  try {
    const { turns, earlier } = await library.turns(session, bookmark.place?.id, earlierTurn);
    conversation.recallEarlier(turns);
    showEarlier(earlier);
    thread.fill(conversation.of(cast.chosen, bookmark.number), true);
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    note("What was said before did not come.");
  }
});

at("afresh").addEventListener("click", () => {
  for (const turn of conversation.open) conversation.stop(turn);
  session = randomName();
  lasting.set("session", session);
  conversation.clear();
  connection.open();
  redraw();
  announcer.say("A new conversation.");
  composer.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) stop();
});
conversation.restore();
begin();
