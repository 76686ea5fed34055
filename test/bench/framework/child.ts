/**
 * Child processes of the benchmarks: the one that measures a benchmark, and the ones for figures that need a process of
 * their own (memory, start). Boundary: processes; only their time from outside is measured here.
 */
import { fork, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Outcome } from "./measure.ts"
import type { Message, Order } from "./one.ts"

/** The project's root: every child runs there. */
export const projectRoot = fileURLToPath(new URL("../../..", import.meta.url))

/** The environment without the variables of a package manager or a test runner, and without a compile cache. */
export const plainEnvironment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|NODE_|VITEST|INIT_CWD|CONVERGE_)/.test(name))
  ),
  ...more
})

/** The flags of processes that measure: they collect garbage between rounds. */
const execArgv = ["--expose-gc"]

/** Measures a benchmark in a process of its own. */
export const measureInChild = (order: Order, onRound: (round: number, rounds: number) => void): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL("one.ts", import.meta.url))
    const child = fork(path, { cwd: projectRoot, env: plainEnvironment(), execArgv })
    child.on("message", (message: Message) => {
      if (message._tag === "Round") onRound(message.round, message.rounds)
      else if (message._tag === "Done") resolve(message.outcome)
      else reject(new Error(message.message))
    })
    child.on("exit", (code) => reject(new Error(`the process of ${order.name} ended with exit code ${code}`)))
    child.send(order)
  })

export interface Finished {
  readonly stdout: string
  /** Milliseconds from spawn to the end of the process. */
  readonly ms: number
}

/** Runs Node to its end. Rejects if it fails. */
export const runNode = (
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv = {},
  folder = projectRoot
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(process.execPath, [...args], {
      cwd: folder,
      env: plainEnvironment(env),
      stdio: ["ignore", "pipe", "inherit"]
    })
    let stdout = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve({ stdout, ms: performance.now() - began })
      else reject(new Error(`node ${args.join(" ")} ended with exit code ${code}`))
    })
  })

/** Runs a script of test/bench/children that kills its own process. Rejects if it ends in another way. */
export const runDoomed = (script: string, input: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url))
    const child = spawn(process.execPath, [path, JSON.stringify(input)], {
      cwd: projectRoot,
      env: plainEnvironment(),
      stdio: ["ignore", "ignore", "inherit"]
    })
    child.on("error", reject)
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve()
      else reject(new Error(`${script} ended with ${signal ?? `exit code ${code}`} before it was killed`))
    })
  })

/** Runs a script of test/bench/children with flags, and reads the JSON that it prints. */
export const runChild = async <Result>(
  script: string,
  input: unknown,
  flags: ReadonlyArray<string>
): Promise<Result> => {
  const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url))
  const { stdout } = await runNode([...flags, path, JSON.stringify(input)])
  return JSON.parse(stdout) as Result
}

/** A process that answers questions until it is stopped. */
export interface Companion<Question, Answer> {
  readonly ask: (question: Question) => Promise<Answer>
  readonly stop: () => Promise<void>
}

/**
 * Starts a script of test/bench/children that answers each message with one. With `isApart` it is a session of its own,
 * whose priority it may raise; it ends with this process nevertheless.
 */
export const startCompanion = <Question extends string, Answer>(
  script: string,
  input: unknown,
  { env, isApart = false }: { readonly env?: NodeJS.ProcessEnv; readonly isApart?: boolean } = {}
): Companion<Question, Answer> => {
  const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url))
  const options = { cwd: projectRoot, env: plainEnvironment(env), execArgv, detached: isApart }
  const child = fork(path, [JSON.stringify(input)], options)
  const ended = new Promise<string>((resolve) =>
    child.once("exit", (code, signal) => resolve(`${script} ended with ${signal ?? `exit code ${code}`}`))
  )
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        child.once("message", (answer: Answer) => resolve(answer))
        void ended.then((how) => reject(new Error(how)))
        // If the process has ended, `ended` says so: an error of the channel adds nothing.
        child.send(question, () => undefined)
      }),
    stop: async () => {
      if (child.connected) child.disconnect()
      await ended
    }
  }
}
