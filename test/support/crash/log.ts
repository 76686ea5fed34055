/**
 * The last words of processes that are killed: lines of JSON in a file that is only appended to. A line that was written is
 * there, however the process ends afterwards.
 */
import { existsSync, openSync, readFileSync, writeSync } from "node:fs"
import type { Begun } from "./program.ts"

export type Line =
  /** A process began. */
  | { readonly tag: "Began" }
  /** `Engine.start` has returned. */
  | { readonly tag: "Accepted"; readonly jobId: string }
  /** The store has acknowledged a row. */
  | {
      readonly tag: "Committed"
      readonly jobId: string
      readonly cycle: number
      readonly hash: string
      /** The keys of the intents that it answers. */
      readonly answers: ReadonlyArray<string>
    }
  /** The store has acknowledged what a task gave. */
  | { readonly tag: "Kept"; readonly jobId: string; readonly cycle: number; readonly key: string }
  /** The store has acknowledged a job's end. */
  | { readonly tag: "Halted"; readonly jobId: string }
  /** A job's result was there. */
  | { readonly tag: "Ended"; readonly jobId: string; readonly hash: string }
  | ({ readonly tag: "Begun" } & Begun)
  /** An intent was performed: this line is the act, and is on the disk before anybody is told. */
  | {
      readonly tag: "Acted"
      readonly jobId: string
      /** That of the intent. */
      readonly cycle: number
      readonly key: string
      readonly payload: unknown
    }
  /** The process is about to be killed, by itself. */
  | { readonly tag: "Dies"; readonly point: string }

export const logTo = (path: string): ((line: Line) => void) => {
  const file = openSync(path, "a")
  return (line) => void writeSync(file, `${JSON.stringify(line)}\n`)
}

export const readLog = (path: string): ReadonlyArray<Line> =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        // The last one may not have been written to its end.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
    : []
