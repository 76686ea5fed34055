/**
 * `JSON.parse` without a bug of V8.
 *
 * V8 expects an object to have the keys of earlier objects of the same shape. If an earlier key ended in a backslash, V8 may
 * read that key in place of a key with an escape. After texts such as `{"\\":1}`, texts such as `{"\n":1}` may get the key `\`
 * (seen in Node 24.21). The value of a text would then depend on the thread's earlier texts. So this file itself parses texts
 * with an escape in a key.
 *
 * Boundary: a pure function of the text.
 */

/** Matches where a key with an escape may be. A string in an array looks the same, which only costs time. */
const escapedKey = /[{,]\s*"[^"\\]*\\/

/** Parses a JSON text. @throws SyntaxError as `JSON.parse` does */
export const parseJson = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  return text.includes("\\") && escapedKey.test(text) ? new Reader(text).value() : value
}

const space = /[ \t\n\r]*/y
const scalar = /[^,\]}\s]+/y

type Container = Array<unknown> | Record<string, unknown>

/** A place in a container: the key of an object, which an array does not need. */
interface Place {
  readonly container: Container | undefined
  readonly key: string
}

/** Parses a text that is known to be JSON. It uses no recursion, because the text may nest deeper than the stack allows. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    const around: Array<Place> = []
    let container: Container | undefined
    let key = ""
    for (;;) {
      const value = this.#scalarOrEmpty()
      const isOpened = typeof value === "object" && value !== null
      if (isOpened) {
        around.push({ container, key })
        container = value as Container
      } else if (container === undefined) return value
      else put(container, key, value)
      // A container that ends here is the value of a place in the container around it.
      while (!this.#hasNext(Array.isArray(container) ? "]" : "}")) {
        const closed: Container = container
        const place = around.pop()
        if (place?.container === undefined) return closed
        container = place.container
        put(container, place.key, closed)
      }
      if (!Array.isArray(container)) key = this.#key()
    }
  }

  /** A scalar. For an opening bracket, which is not stepped over, an empty container. */
  #scalarOrEmpty(): unknown {
    this.#take(space)
    switch (this.#text[this.#at]) {
      case "{":
        return {}
      case "[":
        return []
      case '"':
        return this.#string()
      default:
        return JSON.parse(this.#take(scalar))
    }
  }

  #key(): string {
    const key = this.#string()
    this.#take(space)
    this.#at++
    return key
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

  /** Uses a loop, because the stack of a regular expression grows with the length of the string. */
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

const put = (container: Container, key: string, value: unknown): void => {
  if (Array.isArray(container)) container.push(value)
  // An assignment to "__proto__" would set the prototype.
  else Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true })
}
