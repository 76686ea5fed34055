/** Programs of the shapes whose times MeTTaTron published. */
import { readFileSync } from "node:fs"
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { sharedEngine } from "../support/engine.ts"
import { runText } from "../support/metta.ts"

/** The means that MeTTaTron published, in milliseconds: one evaluation after the other, and in parallel. */
const published = {
  fib: { sync: 41.9, async: 23.6 },
  "constraint-search": { sync: 15.5, async: 10.1 },
  "knowledge-graph": { sync: 3.5, async: 3.7 },
  "pattern-matching": { sync: 7.7, async: 6.3 },
  "meta-programming": { sync: 10.6, async: 5.6 },
  "multi-space": { sync: 4.8, async: 2.7 },
  "concurrent-spaces": { sync: 13.8, async: 7.0 }
} as const

const names = Object.keys(published) as ReadonlyArray<keyof typeof published>

const textOf = (name: string): string =>
  readFileSync(new URL(`../../../docs/examples/metta/programs/${name}.metta`, import.meta.url), "utf8")

const liveEngine = sharedEngine(2)

/** Jobs of a round. */
const jobs = 20

const contenders: ReadonlyArray<Contender> = names.map((name) => ({
  name,
  about: `docs/examples/metta/programs/${name}.metta`,
  computes: name,
  start: async (isTiny) => {
    const engine = liveEngine()
    const text = textOf(name)
    const times = isTiny ? 1 : jobs
    return {
      round: async () => {
        let sum = 0
        let result: unknown
        for (let i = 0; i < times; i++) {
          const [ms, lines] = await runText(engine, text)
          sum += ms
          result = lines
        }
        return { values: { job: sum / times }, result }
      },
      stop: engine.stop
    }
  }
}))

export const benchmark: Benchmark = {
  name: "metta-shapes",
  title: "MeTTa programs of published shapes",
  measures: `Each program of docs/examples/metta/programs runs ${jobs} times a round as a job on two warm workers, from its text to its results. The bar is the better of the two means that MeTTaTron published for a program of the shape.`,
  notMeasured:
    "MeTTaTron itself: its means are of its own programs, on other hardware. The shapes are the same, the texts are not.",
  rounds: 9,
  warmups: 3,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders,
  figures: names.map((name) => ({
    name: `metta-shapes/${name}`,
    title: `${name}, published: ${published[name].sync} ms in sequence, ${published[name].async} ms in parallel`,
    unit: "ms",
    better: "lower",
    bar: Math.min(published[name].sync, published[name].async),
    ofRound: value(name, "job")
  }))
}
