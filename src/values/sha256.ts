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

/** The SHA-256 of a prefix and the pieces after it, as one text. Yields after each piece. */
export function* sha256Pieces(prefix: string, pieces: ReadonlyArray<string>): Generator<void, string> {
  if (pieces.length === 1) return sha256(prefix + pieces[0]!)
  const hasher = createHash("sha256").update(prefix)
  for (const piece of pieces) {
    hasher.update(piece)
    yield
  }
  return hasher.digest("hex")
}
