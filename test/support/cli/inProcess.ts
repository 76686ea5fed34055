/**
 * Runs `converge` in the process of the test, with the exports of converge.ts: a file of tests switches by its import.
 *
 * A command costs a hundredth of a second here, and half a second in a process of its own. Its standard streams, console,
 * folder and environment are those of this process meanwhile, so one command runs after another. A process of its own, which
 * `start` starts here too, is needed for signals, standard input and a reader that goes away, for variables that Effect's
 * `Config` reads (it reads the environment once), for a module that remembers something or looks at the environment when it is
 * imported, and for errors of Node's own loader.
 *
 * Boundary: no assertion. test/cli/inProcess.test.ts compares it with processes.
 */
import { Console } from "node:console"
import { main } from "../../../src/cli/command.ts"
import { Host } from "../../../src/cli/hostProcess.ts"
import { type Ended, module, type Options } from "./converge.ts"
import { manifest, projectRoot } from "../node.ts"

export { type Ended, jsonOf, module, type Running, start } from "./converge.ts"

/** The options that one command may be given. The rest needs a process. */
export type InProcess = Pick<Options, "folder" | "environment">

type Restore = () => void

/** Sets fields of an object, until they are restored. */
const setting = <A extends object>(object: A, fields: Partial<A>): Restore => {
  const before = Object.entries(fields).map(([name]) => [name, Object.getOwnPropertyDescriptor(object, name)] as const)
  Object.assign(object, fields)
  return () => {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(object, name)
      if (descriptor !== undefined) Object.defineProperty(object, name, descriptor)
    }
  }
}

const written = (chunk: string | Uint8Array): string =>
  typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8")

/** A stream's `write` that keeps what is written. */
const keeping = (keep: (text: string) => void): typeof process.stdout.write => {
  type Done = (error?: Error | null) => void
  return (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
    keep(written(chunk))
    const told = typeof encoding === "function" ? encoding : done
    if (told !== undefined) process.nextTick(told)
    return true
  }
}

const events = ["SIGINT", "SIGTERM", "SIGHUP", "uncaughtException", "unhandledRejection"] as const

/** Removes the listeners of the process and its streams that are added from now on. */
const listening = (): Restore => {
  const all: ReadonlyArray<readonly [emitter: NodeJS.EventEmitter, event: string]> = [
    ...events.map((event) => [process, event] as const),
    [process.stdout, "error"],
    [process.stderr, "error"]
  ]
  const before = all.map(([emitter, event]) => new Set(emitter.listeners(event)))
  return () =>
    all.forEach(([emitter, event], index) => {
      for (const listener of emitter.listeners(event)) {
        if (before[index]?.has(listener) !== true) emitter.off(event, listener as (...args: Array<unknown>) => void)
      }
    })
}

const run = async (args: ReadonlyArray<string>, { environment = {}, folder }: InProcess): Promise<Ended> => {
  const said = { stdout: "", stderr: "" }
  const folderBefore = process.cwd()
  const { exitCode } = process
  const restores = [
    listening(),
    setting(process.stdout, { write: keeping((text) => (said.stdout += text)) }),
    setting(process.stderr, { write: keeping((text) => (said.stderr += text)) }),
    setting(globalThis, { console: new Console(process.stdout, process.stderr) }),
    // A thread inherits the flags of its process.
    setting(process, { execArgv: [] }),
    setting(process.env, environment)
  ]
  process.chdir(folder ?? projectRoot)
  try {
    const code = await new Promise<number>((resolve) => main(manifest.version, [...args], new Host(resolve)))
    return { code, ...said }
  } finally {
    process.chdir(folderBefore)
    process.exitCode = exitCode
    for (const restore of restores.toReversed()) restore()
  }
}

let last: Promise<unknown> = Promise.resolve()

/** Runs a command line to its end, after those that were asked for before. */
export const converge = (args: ReadonlyArray<string>, options: InProcess = {}): Promise<Ended> => {
  const ended = last.then(() => run(args, options))
  last = ended.catch(() => undefined)
  return ended
}

/** The same for `converge run` of a program of count.ts. */
export const runCount = (program: string, args: ReadonlyArray<string> = [], options?: InProcess): Promise<Ended> =>
  converge(["run", module("count"), "--program", program, ...args], options)
