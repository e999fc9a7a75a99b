// Cards in files: JSON, and pictures that carry it.
import Testing

@testable import GibseyKit

/// PNG files, made by hand.
enum Picture {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func number(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    number(UInt32(data.count)) + Array(name.utf8) + data + number(CRC32.checksum(Array(name.utf8) + data))
  }

  /// A picture with these texts; the pixels are nobody's business here.
  static func with(_ texts: [(keyword: String, text: String)]) -> [UInt8] {
    signature + chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0])
      + texts.flatMap { chunk("tEXt", Array($0.keyword.utf8) + [0] + Array($0.text.utf8)) } + chunk("IEND", [])
  }
}

@Suite struct CardFileTests {
  private func reason(_ bytes: [UInt8]) -> String? {
    do {
      _ = try CardFile(path: "x", bytes: bytes)
      return nil
    } catch {
      return (error as? GibseyError)?.message
    }
  }

  @Test func theChecksumIsThatOfPNG() {
    #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(CRC32.checksum(Array("IEND".utf8)) == 0xAE42_6082)
  }

  @Test(
    arguments: [
      ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
      ("Zm9vYmFy", "foobar"), ("Zm9vYg", "foob"), ("Zm\n9v ", "foo"),
    ]) func base64IsReadAsRFC4648HasIt(text: String, wanted: String)
  {
    #expect(Base64.decoded(Array(text.utf8)) == Array(wanted.utf8))
  }

  @Test(arguments: ["Z", "Zm9vY", "Zg=", "Zg===", "Z=g=", "Zm9_", "Zm9v=", "é"])
  func whatIsNoBase64IsRefused(text: String) {
    #expect(Base64.decoded(Array(text.utf8)) == nil)
  }

  @Test func aPictureGivesItsCardTheNewerBeforeTheOlder() throws {
    let both = Picture.with([("chara", "b2xk"), ("Comment", "x"), ("ccv3", "bmV3"), ("ccv3", "c2Vjb25k")])
    #expect(try CardFile(path: "x", bytes: both).json == Array("new".utf8))
    #expect(try CardFile(path: "x", bytes: both).picture == both)
    #expect(try CardFile(path: "x", bytes: Picture.with([("chara", "b2xk")])).json == Array("old".utf8))
    let marked = [0xEF, 0xBB, 0xBF] + Array("{}".utf8)
    #expect(try CardFile(path: "x", bytes: marked).json == marked)
    #expect(try Array(CardFile(path: "x", bytes: marked).text) == Array("{}".utf8))
  }

  @Test func aPictureWithoutACardIsRefused() {
    #expect(reason(Picture.with([])) == "x: a picture without a card: it has neither a ccv3 nor a chara chunk")
    #expect(reason(Picture.with([("chara", "***")])) == "x: the card inside is not Base64")
  }

  @Test func oneWrongBitAnywhereInAChunkIsADamagedPicture() {
    let whole = Picture.with([("chara", "b2xk")])
    // The lengths have no checksum: a wrong one makes another chunk, whose checksum is then wrong, or one too long.
    for place in 8..<whole.count {
      var bytes = whole
      bytes[place] ^= 0x10
      #expect(reason(bytes) != nil, "byte \(place)")
    }
    var bytes = whole
    bytes[whole.count - 14] ^= 1
    #expect(reason(bytes) == "x: the picture is damaged: wrong checksum of its chunk tEXt at byte 33")
  }

  @Test func aPictureThatIsCutShortAnywhereIsRefused() {
    let whole = Picture.with([("chara", "b2xk")])
    for count in 8..<whole.count { #expect(reason(Array(whole[..<count])) == "x: the picture is cut short") }
  }

  @Test func aChunkLongerThanTheFileIsRefused() {
    #expect(
      reason(Picture.signature + [0xFF, 0xFF, 0xFF, 0xFF] + Array("tEXt1234".utf8)) == "x: the picture is cut short")
  }
}
