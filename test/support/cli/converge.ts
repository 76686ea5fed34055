/** Runs `converge` from its sources, as a user would: in a process of its own, with a terminal or without. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { projectRoot } from "../node.ts"

/** The environment of the tests. A command in this process (inProcess.ts) has another one meanwhile. */
const inherited = { ...process.env }

const source = `${projectRoot}src/cli/main.ts`

/** A module of this folder, by its path. */
export const module = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** Waits until standard error matches. */
  readonly says: (pattern: RegExp) => Promise<void>
}

export interface Options {
  readonly input?: string
  /** A file descriptor to write standard output to. */
  readonly output?: number
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Milliseconds after which it is killed: 60,000 by default. */
  readonly timeoutMs?: number | undefined
  /** The file of the command: its source by default. */
  readonly main?: string
}

export const start = (args: ReadonlyArray<string>, options: Options = {}): Running => {
  const { environment, folder, input, main = source, output, timeoutMs = 60_000 } = options
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder ?? projectRoot,
    env: { ...inherited, NODE_OPTIONS: "", FORCE_COLOR: undefined, ...environment },
    stdio: ["pipe", output ?? "pipe", "pipe"],
    // A test that has failed leaves no process behind.
    timeout: timeoutMs,
    killSignal: "SIGKILL"
  })
  let stdout = ""
  let stderr = ""
  const listeners = new Set<() => void>()
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk))
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk
    for (const listener of listeners) listener()
  })
  child.stdin?.end(input ?? "")
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
  const says = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const listener = (): void => {
        if (pattern.test(stderr)) resolve()
      }
      listeners.add(listener)
      listener()
      void ended.then(() => reject(new Error(`it ended without saying ${String(pattern)}: ${stderr}`)))
    })
  return { process: child, ended, says }
}

/** Runs a command line to its end. */
export const converge = (args: ReadonlyArray<string>, options?: Options): Promise<Ended> => start(args, options).ended

/** The same for `converge run` of a program of count.ts. */
export const runCount = (program: string, args: ReadonlyArray<string> = [], options?: Options): Promise<Ended> =>
  converge(["run", module("count"), "--program", program, ...args], options)

/** The one line of JSON that a run printed. */
export const jsonOf = ({ stdout }: Ended): Record<string, unknown> => {
  if (stdout.split("\n").length !== 2) throw new Error(`not one line: ${stdout}`)
  return JSON.parse(stdout) as Record<string, unknown>
}
