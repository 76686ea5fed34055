/**
 * `JSON.parse`, without a mistake that V8 makes in it.
 *
 * V8 expects the keys of an object to be those of objects of the same shape that it met before. Once a key ended in a
 * backslash, V8 may read a key that is written with an escape at the same place as that key: after `{"\\":1}`-like texts,
 * `{"\n":1}`-like texts may be read with the key `\` (seen in Node 24.21). The value of a text would then depend on what the
 * thread has read before. So texts with an escape in a key are read here.
 *
 * Boundary: a pure function of the text.
 */

/** Matches where a key with an escape may be. A string in an array looks the same, which only costs time. */
const escapedKey = /[{,]\s*"[^"\\]*\\/

/** The value of a JSON text. @throws SyntaxError as `JSON.parse` does */
export const parseJson = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  return text.includes("\\") && escapedKey.test(text) ? new Reader(text).value() : value
}

const space = /[ \t\n\r]*/y
const scalar = /[^,\]}\s]+/y

/** Reads a text that is known to be JSON. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    this.#take(space)
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object()
      case "[":
        return this.#array()
      case '"':
        return this.#string()
      default:
        return JSON.parse(this.#take(scalar))
    }
  }

  #object(): object {
    const object: Record<string, unknown> = {}
    while (this.#hasNext("}")) {
      const key = this.#string()
      this.#take(space)
      this.#at++
      const value = this.value()
      // Also "__proto__", which an assignment would take for the prototype.
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
    }
    return object
  }

  #array(): ReadonlyArray<unknown> {
    const array: Array<unknown> = []
    while (this.#hasNext("]")) array.push(this.value())
    return array
  }

  /** Steps over an opening bracket or a comma, and returns true; or over the closing bracket, and returns false. */
  #hasNext(end: "}" | "]"): boolean {
    this.#take(space)
    const isEnd = this.#text[this.#at++] === end
    this.#take(space)
    if (isEnd) return false
    if (this.#text[this.#at] !== end) return true
    this.#at++
    return false
  }

  /** A loop: a regular expression needs a stack as deep as the string is long. */
  #string(): string {
    const begin = this.#at++
    for (let unit = 0; unit !== 0x22; this.#at++) {
      unit = this.#text.charCodeAt(this.#at)
      if (unit === 0x5c) this.#at++
    }
    return JSON.parse(this.#text.slice(begin, this.#at)) as string
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ""
    this.#at += found.length
    return found
  }
}
