/**
 * SHA-256, in hexadecimal. Boundary: the one file that touches `node:crypto`.
 */
import { createHash, hash } from "node:crypto"

/** The SHA-256 of a text's UTF-8 bytes: 64 hexadecimal digits. */
export const sha256 = (text: string): string => hash("sha256", text, "hex")

/** A checksum of a text together with its owner, `of`: 16 hexadecimal digits. */
export const sumOf = (of: string, text: string): string => sha256(`${of}\n${text}`).slice(0, 16)

/** A SHA-256 to which texts are added one after the other. */
export class Sha256 {
  readonly #hash = createHash("sha256")

  update(text: string): this {
    this.#hash.update(text)
    return this
  }

  hex(): string {
    return this.#hash.digest("hex")
  }
}

/** Tuning: characters of a long text that are hashed at once. */
const partLength = 262_144

/** A text in parts. A pair of surrogates is not divided, since each half alone has other bytes. */
function* partsOf(text: string): Generator<string, void> {
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + partLength)
    const last = text.charCodeAt(to - 1)
    if (to < text.length && last >= 0xd800 && last < 0xdc00) to--
    yield text.slice(from, to)
    from = to
  }
}

/** The SHA-256 of a prefix and the pieces after it, as one text. Yields after each piece, and within long ones. */
export function* sha256Pieces(prefix: string, pieces: ReadonlyArray<string>): Generator<void, string> {
  const [first = ""] = pieces
  if (pieces.length <= 1 && first.length <= partLength) return sha256(prefix + first)
  const hasher = createHash("sha256").update(prefix)
  for (const piece of pieces) {
    for (const part of partsOf(piece)) {
      hasher.update(part)
      yield
    }
  }
  return hasher.digest("hex")
}
