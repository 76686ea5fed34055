/**
 * Lines of a text that comes in pieces.
 *
 * Each piece is searched once, however long its line is, so a line of many megabytes takes time in proportion to its length.
 * Boundary: pure.
 */

/** Reads the lines of a stream. A line ends with a line feed; a carriage return before it goes, too. */
export class Lines {
  /** The pieces of the line that has no end yet. */
  #open: Array<string> = []

  /** The lines that end in the next piece. */
  push(piece: string): ReadonlyArray<string> {
    const ends = piece.split("\n")
    const rest = ends.pop() ?? ""
    const [first, ...others] = ends
    if (first === undefined) {
      this.#open.push(rest)
      return []
    }
    this.#open.push(first)
    const lines = [this.#open.join(""), ...others]
    this.#open = [rest]
    return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))
  }
}

/** Reads the items of server-sent events: the data lines of a block, joined. Comments and most other fields are skipped. */
export class Blocks {
  readonly #lines = new Lines()
  #data: Array<string> = []
  /** The newest id that was read. Its block may have no end yet. */
  #id = ""
  /** The id of the newest block that was given; "" before the first. A stream that goes on after it leaves out no item. */
  lastId = ""

  /** The data of the blocks that end in the next piece. */
  push(piece: string): ReadonlyArray<string> {
    const blocks: Array<string> = []
    for (const line of this.#lines.push(piece)) {
      if (line.startsWith("id:")) this.#id = line.slice(3).trim()
      if (line.startsWith("data:")) this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5))
      if (line !== "") continue
      this.lastId = this.#id
      if (this.#data.length === 0) continue
      blocks.push(this.#data.join("\n"))
      this.#data = []
    }
    return blocks.filter((data) => data !== "")
  }
}
