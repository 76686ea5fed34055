/**
 * Asks a person on a terminal for a yes or a no.
 *
 * The terminal keeps its own handling of lines, so Ctrl-C is a signal to the process as always. The end of the input is a no.
 * Boundary: owns standard input while it asks.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import { createInterface } from "node:readline"

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** Standard output is for results, so questions go to standard error. */
export const ofProcess: Terminal = { input: process.stdin, output: process.stderr }

/** Whether a person is there to answer. */
export const isInteractive = ({ input, output }: Terminal): boolean => input.isTTY === true && output.isTTY === true

/** Asks a question. Anything but a yes is a no. */
export const confirm = (question: string, { input, output }: Terminal): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const lines = createInterface({ input, output, terminal: false })
    lines.once("close", () => resume(Effect.succeed(false)))
    lines.question(`${question} [y/N] `, (answer) => {
      resume(Effect.succeed(/^y(es)?$/i.test(answer.trim())))
      lines.close()
    })
    return Effect.sync(() => lines.close())
  })
