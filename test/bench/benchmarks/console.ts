/** The cost of the console for the job that it shows. */
import type { ConsoleAnswer, ConsoleInput, ConsoleOrder } from "../children/console.ts"
import type { ViewerAnswer, ViewerOrder } from "../children/consoleViewer.ts"
import { startCompanion } from "../framework/child.ts"
import { type Benchmark, type Contender, count, type Figure, ratio, value } from "../framework/definition.ts"
import type { Growing } from "../programs/console.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"

type Setup = "without" | "served" | "viewer"
type Size = "small" | "large" | "bare"

/** The time before the first cycle, in which the viewer comes. It is not counted. */
const holdMs = 100

interface Shape {
  readonly cycles: number
  /** Facts of a cycle. */
  readonly facts: number
  /** The work of the agent in each cycle, in microseconds. */
  readonly workUs: number
}

const sizes: Readonly<Record<Size, Shape>> = {
  small: { cycles: 50, facts: 2, workUs: 10_000 },
  large: { cycles: 1_000, facts: 100, workUs: 1_000 },
  bare: { cycles: 1_000, facts: 100, workUs: 0 }
}

const factsOf = (size: Size): string => count(sizes[size].cycles * sizes[size].facts)

let perMicrosecond: Promise<number> | undefined

const inputOf = async (size: Size, isTiny: boolean): Promise<Growing> => {
  const { cycles, facts, workUs } = sizes[size]
  const steps = workUs === 0 || isTiny ? 0 : Math.round((await (perMicrosecond ??= stepsPerMicrosecond())) * workUs)
  return { cycles: isTiny ? 5 : cycles, facts, holdMs, steps }
}

const setups: Readonly<Record<Setup, string>> = {
  without: "an engine, and no server",
  served: "an engine with a server, whose console nobody looks at",
  viewer: "the same, and a viewer in another process, who reads events and telemetry and asks the questions of the page"
}

interface Processes {
  readonly ask: (order: ConsoleOrder) => Promise<ConsoleAnswer>
  readonly watch: (order: ViewerOrder) => Promise<ViewerAnswer>
  readonly stop: () => Promise<void>
}

const startProcesses = (): Processes => {
  const jobs = startCompanion<string, ConsoleAnswer>("console.ts", { isServed: false } satisfies ConsoleInput)
  const viewer = startCompanion<string, ViewerAnswer>("consoleViewer.ts", {})
  return {
    ask: (order) => jobs.ask(JSON.stringify(order)),
    watch: (order) => viewer.ask(JSON.stringify(order)),
    stop: async () => {
      await viewer.stop()
      await jobs.stop()
    }
  }
}

/**
 * The processes of a size, which its contenders share: two processes with the same work differ by up to a tenth, for as long as they
 * live.
 */
const shared = () => {
  let present: Processes | undefined
  let users = 0
  return {
    take: (): Processes => {
      users++
      return (present ??= startProcesses())
    },
    leave: async (): Promise<void> => {
      if (--users > 0) return
      const last = present
      present = undefined
      await last?.stop()
    }
  }
}

const processes: Readonly<Record<Size, ReturnType<typeof shared>>> = {
  small: shared(),
  large: shared(),
  bare: shared()
}

const contender = (setup: Setup, size: Size): Contender => ({
  name: `${setup}-${size}`,
  about: `${setups[setup]}; ${factsOf(size)} facts in ${count(sizes[size].cycles)} cycles${size === "bare" ? ", without work" : ""}`,
  computes: size,
  start: async (isTiny) => {
    const input = await inputOf(size, isTiny)
    const { ask, watch } = processes[size].take()
    let number = 0
    return {
      round: async () => {
        const id = `${setup}-${++number}`
        const { url } = await ask({ _tag: "Serve", isServed: setup !== "without" })
        // A viewer that has yet to start would come when a short job is over, and wait for its progress forever.
        if (setup === "viewer") await watch({ url })
        const seen = setup === "viewer" ? watch({ url, id }) : undefined
        const { cpuMs, hash, ms } = await ask({ _tag: "Run", id, grows: input })
        const kb = seen === undefined ? 0 : (await seen).bytes / 1_000
        return { values: { ms, cpu: cpuMs, kb }, result: hash }
      },
      stop: processes[size].leave
    }
  }
})

const ratioOf = (setup: Setup, size: Size, metric: "ms" | "cpu", bar?: number): Figure => ({
  name: `console/${setup}-${size}-${metric}`,
  title: `${metric === "ms" ? "time" : "CPU time"} of a job of ${factsOf(size)} facts${size === "bare" ? " without work" : ""}: ${setup === "served" ? "console served, nobody looking" : "with a viewer"} / without`,
  unit: "ratio",
  better: "lower",
  ...(bar === undefined ? {} : { bar }),
  ofRound: ratio(`${setup}-${size}`, `without-${size}`, metric)
})

export const benchmark: Benchmark = {
  name: "console",
  title: "A job with the console, and without",
  measures: [
    `One process runs the same job in turns: on an engine alone, on one whose server has the console and no viewer, and on one with a viewer. It starts the server, or stops it, before each job, and collects garbage then. Each cycle, one agent works and adds facts: for ${sizes.small.workUs / 1_000} ms in the small job, and for ${sizes.large.workUs / 1_000} ms in the large one.`,
    `The viewer is a process of its own. It reads the events and the telemetry as they come, and asks once a second for the job, its diagnosis, its tasks and its approvals: all that the views of the page ask for, at once. It comes in the ${holdMs} ms before the first cycle, which are not counted.`,
    "The bare job adds the same facts without work: nothing but commits, so that the viewer's part is as large as it can be."
  ],
  notMeasured: [
    "- The page itself: console-page has it.",
    "- A durable store, where a commit takes longer and the viewer's part is smaller."
  ],
  rounds: 15,
  warmups: 1,
  metrics: {
    ms: { title: "time of a job", unit: "ms" },
    cpu: { title: "CPU time of its process", unit: "ms" },
    kb: { title: "sent to the viewer", unit: "kB" }
  },
  contenders: [
    contender("without", "small"),
    contender("served", "small"),
    contender("viewer", "small"),
    contender("without", "large"),
    contender("served", "large"),
    contender("viewer", "large"),
    contender("without", "bare"),
    contender("viewer", "bare")
  ],
  figures: [
    ratioOf("served", "small", "ms", 1.03),
    ratioOf("viewer", "small", "ms", 1.1),
    ratioOf("served", "large", "ms", 1.03),
    ratioOf("viewer", "large", "ms", 1.1),
    ratioOf("viewer", "small", "cpu"),
    ratioOf("viewer", "large", "cpu"),
    ratioOf("viewer", "bare", "ms"),
    {
      name: "console/sent",
      title: `sent to the viewer of a job of ${factsOf("large")} facts`,
      unit: "kB",
      better: "lower",
      ofRound: value("viewer-large", "kb")
    }
  ]
}
