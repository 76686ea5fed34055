/**
 * SWI-Prolog: whether it is there, and a process of it that answers goals. Boundary: a process and its standard streams; no
 * program is written here.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"

/** The program's place: the first one in the path. */
const program = "swipl"

let found: string | undefined | null = null

export const prologVersion = (): string | undefined => {
  if (found !== null) return found
  try {
    const said = execFileSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    found = /\d+(?:\.\d+)*/.exec(said)?.[0]
  } catch {
    found = undefined
  }
  return found
}

/** Says how to get it if it is not there. */
export const prologMissing = (): string | undefined =>
  prologVersion() === undefined
    ? "SWI-Prolog is not installed: `apt-get install -y swi-prolog-nox` as root, or have swipl in the path"
    : undefined

/** A process with its streams. What it says of errors goes to those of this process. */
const started = (child: ChildProcessWithoutNullStreams) => {
  child.stderr.pipe(process.stderr)
  return { exited: once(child, "exit"), stdin: child.stdin, stdout: child.stdout }
}

export interface Prolog {
  /** Runs a goal, which must write one line. Returns the line. */
  readonly ask: (goal: string) => Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a process with a program in Prolog's text. It ends when it has no input any more, so it never outlives this one. */
export const startProlog = (text: string): Prolog => {
  // Goals are read from the standard input, one a line, and no answer of the toplevel is written.
  const loop = "repeat, read(G), ( G == end_of_file -> halt ; call(G), flush_output, fail )"
  const { exited, stdin, stdout } = started(spawn(program, ["-q", "--stack-limit=4g", "--table-space=4g", "-g", loop]))
  stdin.write(`[user].\n${text}\nend_of_file.\n`)
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return {
    ask: async (goal) => {
      stdin.write(`${goal}.\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error(`swipl ended at ${goal}`)
      return line.value
    },
    stop: async () => {
      stdin.end()
      await exited
    }
  }
}
