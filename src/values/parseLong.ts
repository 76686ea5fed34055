/**
 * `JSON.parse` of a long text in steps, because one call for a text of many megabytes would hold the event loop.
 *
 * A text is parsed stretch by stretch: items of a list, or members of an object, are parsed together as far as they end within
 * a stretch. A container that is longer than a stretch is opened, and its parts are parsed in the same way. Only a string is
 * never divided.
 *
 * Invariant: the value is that of `parseJson`, and a text that is not JSON throws as there. Boundary: pure functions.
 */
import { parseJson } from "./parseJson.ts"

/** Tuning: characters of a text that are parsed at once. */
export const stretchLength = 65_536

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Parses a JSON text, a long one in steps: `stretch` characters at once. @throws SyntaxError */
export function* parseLong(text: string, stretch = stretchLength): Generator<void, unknown> {
  return text.length <= stretch ? parseJson(text) : yield* new LongText(text, stretch).whole()
}

const isSpace = (unit: number): boolean => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09

/** Adds members to an object as `JSON.parse` would: the last one of a name counts, in the place of the first. */
const assign = (object: Record<string, unknown>, key: string, value: unknown): void => {
  if (key !== "__proto__") object[key] = value
  // An assignment would set the prototype.
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** A place in a text that is parsed. */
class LongText {
  readonly #text: string
  readonly #length: number
  #at = 0

  constructor(text: string, stretch: number) {
    this.#text = text
    this.#length = stretch
  }

  *whole(): Generator<void, unknown> {
    this.#skipSpace()
    const value = yield* this.#value()
    this.#skipSpace()
    return this.#at === this.#text.length ? value : this.#refuse()
  }

  #refuse(): never {
    throw new SyntaxError(`Unexpected text in JSON at position ${this.#at}`)
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
  }

  *#value(): Generator<void, unknown> {
    const first = this.#text.charCodeAt(this.#at)
    if (first === openBrace) return yield* this.#object()
    if (first === openBracket) return yield* this.#array()
    return first === quote ? yield* this.#string() : this.#scalar()
  }

  *#array(): Generator<void, ReadonlyArray<unknown>> {
    const items: Array<unknown> = []
    if (this.#isEmpty(closeBracket)) return items
    do {
      const part = this.#stretch("[", "]") as ReadonlyArray<unknown> | undefined
      if (part === undefined) items.push(yield* this.#value())
      else for (const item of part) items.push(item)
      yield
    } while (this.#hasNext(closeBracket))
    return items
  }

  *#object(): Generator<void, Readonly<Record<string, unknown>>> {
    const object: Record<string, unknown> = {}
    if (this.#isEmpty(closeBrace)) return object
    do {
      const part = this.#stretch("{", "}") as Readonly<Record<string, unknown>> | undefined
      if (part === undefined) {
        const key = this.#text.charCodeAt(this.#at) === quote ? yield* this.#string() : this.#refuse()
        this.#skipSpace()
        if (this.#text.charCodeAt(this.#at++) !== colon) return this.#refuse()
        this.#skipSpace()
        assign(object, key, yield* this.#value())
      } else for (const key of Object.keys(part)) assign(object, key, part[key])
      yield
    } while (this.#hasNext(closeBrace))
    return object
  }

  /** Steps over an opening bracket, and over the closing one if nothing is between them. */
  #isEmpty(end: number): boolean {
    this.#at++
    this.#skipSpace()
    if (this.#text.charCodeAt(this.#at) !== end) return false
    this.#at++
    return true
  }

  /** Steps over a comma, and returns true; or over the closing bracket, and returns false. */
  #hasNext(end: number): boolean {
    this.#skipSpace()
    const unit = this.#text.charCodeAt(this.#at++)
    if (unit === end) return false
    if (unit !== comma) return this.#refuse()
    this.#skipSpace()
    return true
  }

  /** The parts from here on that end within a stretch, in brackets; undefined if not even the first one does. */
  #stretch(open: string, close: string): unknown {
    const end = this.#lastEnd()
    if (end <= this.#at) return undefined
    const part = parseJson(open + this.#text.slice(this.#at, end) + close)
    this.#at = end
    return part
  }

  /** The place of the last comma between parts, or of the bracket after them, within a stretch; -1 if there is none. */
  #lastEnd(): number {
    const text = this.#text
    const end = Math.min(text.length, this.#at + this.#length)
    let [depth, last] = [0, -1]
    for (let at = this.#at; at < end; at++) {
      const unit = text.charCodeAt(at)
      if (unit === quote) {
        for (at++; at < end; at++) {
          const inside = text.charCodeAt(at)
          if (inside === quote) break
          if (inside === backslash) at++
        }
      } else if (unit === openBracket || unit === openBrace) depth++
      else if (unit === closeBracket || unit === closeBrace) {
        if (depth === 0) return at
        depth--
      } else if (unit === comma && depth === 0) last = at
    }
    return last
  }

  *#string(): Generator<void, string> {
    const text = this.#text
    const begin = this.#at++
    for (let next = begin + this.#length; ; this.#at++) {
      const unit = text.charCodeAt(this.#at)
      if (unit === quote) break
      if (unit === backslash) this.#at++
      if (this.#at >= text.length) return this.#refuse()
      if (this.#at < next) continue
      next += this.#length
      yield
    }
    this.#at++
    // A string is a text of its own, which begins and ends with a quotation mark.
    return JSON.parse(text.slice(begin, this.#at)) as string
  }

  #scalar(): unknown {
    const begin = this.#at
    while (this.#at < this.#text.length && !this.#isAtEnd()) this.#at++
    return JSON.parse(this.#text.slice(begin, this.#at))
  }

  #isAtEnd(): boolean {
    const unit = this.#text.charCodeAt(this.#at)
    return unit === comma || unit === closeBracket || unit === closeBrace || isSpace(unit)
  }
}
