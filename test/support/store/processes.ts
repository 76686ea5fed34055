/** Starts child.ts, and speaks with it. */
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { JobStore } from "../../../src/index.ts"
import type { Answer, Command } from "./child.ts"

const entry = fileURLToPath(new URL("./child.ts", import.meta.url))

/** A child with a store, which is killed when the scope closes. */
export const child = (filename: string, durability: JobStore.Durability, what: string) =>
  Effect.acquireRelease(
    Effect.sync(() => fork(entry, [filename, durability, what], { stdio: ["ignore", "pipe", "inherit", "ipc"] })),
    (process) => Effect.promise(() => kill(process))
  )

/** Ends a child as hard as it can be done, and waits until it has ended. */
export const kill = async (process: ChildProcess): Promise<void> => {
  if (process.exitCode !== null || process.signalCode !== null) return
  const ended = once(process, "exit")
  process.kill("SIGKILL")
  await ended
}

/** The exit code of a child that ends by itself. */
export const ended = async (process: ChildProcess): Promise<unknown> =>
  process.exitCode ?? ((await once(process, "exit")) as ReadonlyArray<unknown>)[0]

/** Waits until a child has written so many lines, and gives all that it has written then. */
export const lines = (process: ChildProcess, count: number): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) => {
    let text = ""
    process.once("exit", (code) => reject(new Error(`the child ended with ${code}: ${text}`)))
    process.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      const seen = text.split("\n").slice(0, -1)
      if (seen.length >= count) resolve(seen)
    })
  })

/** The answer of a child that serves. One command at a time. */
export const ask = (process: ChildProcess, command: Command): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const answered = once(process, "message")
    process.send(command)
    return ((await answered) as ReadonlyArray<unknown>)[0] as Answer
  })

export const ready = (process: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async () => void (await once(process, "message")))
