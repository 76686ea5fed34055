/**
 * Standard error as a terminal: a block of lines that is drawn again and again, below all other output.
 *
 * While a block is shown, all other writes to the stream go above it, line by line. An incomplete line waits. Invariants: each
 * change is one write, so nothing flickers; the block is never wider than the terminal, and never has more lines than the
 * terminal has rows, or it could not be erased. Boundary: owns the stream's `write` until `release`.
 */
import type * as Tty from "node:tty"

type Write = (chunk: string) => boolean

/** A part of a line of the block, and the function that colours it. */
export interface Cell {
  readonly text: string
  readonly show?: (text: string) => string
}

const partialLength = 65_536

export class Screen {
  readonly #stream: Tty.WriteStream
  readonly #original: Tty.WriteStream["write"]
  readonly #write: Write
  #lines: ReadonlyArray<string> = []
  /** The beginning of a line that others have not completed yet. */
  #partial = ""

  constructor(stream: Tty.WriteStream) {
    this.#stream = stream
    this.#original = stream.write
    this.#write = stream.write.bind(stream)
    stream.write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      done?: (error?: Error | null) => void
    ): boolean => {
      this.#above(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"))
      const written = typeof encoding === "function" ? encoding : done
      if (written !== undefined) process.nextTick(written)
      return true
    }
  }

  /** Replaces the block. */
  draw(lines: ReadonlyArray<ReadonlyArray<Cell>>): void {
    const before = this.#erasure()
    const rows = Math.max(this.#stream.rows - 1, 1)
    this.#lines = lines.slice(0, rows).map((cells) => fit(cells, this.#stream.columns - 1))
    this.#write(before + this.#block())
  }

  /** Leaves the block where it is, and gives the stream its own `write` back. */
  release(): void {
    this.#lines = []
    this.#stream.write = this.#original
    if (this.#partial !== "") this.#write(`${this.#partial}\n`)
  }

  #above(chunk: string): void {
    const text = this.#partial + chunk
    const end = text.length > partialLength ? text.length : text.lastIndexOf("\n") + 1
    this.#partial = text.slice(end)
    if (end > 0) this.#write(this.#erasure() + text.slice(0, end) + this.#block())
  }

  /** Goes back to the block's first line and clears everything below. */
  #erasure(): string {
    return this.#lines.length === 0 ? "" : `\u001b[${this.#lines.length}A\r\u001b[0J`
  }

  #block(): string {
    return this.#lines.map((line) => `${line}\n`).join("")
  }
}

/** Cuts a line to a width, in characters, and then colours it. */
const fit = (cells: ReadonlyArray<Cell>, width: number): string => {
  let left = width
  let line = ""
  for (const { show, text } of cells) {
    const cut = text.slice(0, Math.max(left, 0))
    left -= text.length
    if (cut !== "") line += show === undefined ? cut : show(cut)
  }
  return line
}
