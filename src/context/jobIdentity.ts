/**
 * The job that a context belongs to: its id and its input, as views show them on every thread.
 *
 * Boundary: a value. The input is decoded when it is first asked for, which most jobs never do.
 */
import type { KindCodec } from "../values/kindCodec.ts"

export class JobIdentity {
  readonly jobId: string
  /** The canonical text of the input. */
  readonly text: string
  readonly #codec: Pick<KindCodec, "decode">
  #input: unknown
  #isDecoded = false

  constructor(jobId: string, text: string, codec: Pick<KindCodec, "decode">) {
    this.jobId = jobId
    this.text = text
    this.#codec = codec
  }

  /** The input: the value that its canonical text decodes to, deeply frozen. */
  get input(): unknown {
    if (!this.#isDecoded) {
      this.#input = this.#codec.decode(this.text)
      this.#isDecoded = true
    }
    return this.#input
  }
}
