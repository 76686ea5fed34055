/** Whether jobs leave memory behind. */
import type { RssInput, RssResult } from "../children/rss.ts"
import { runChild } from "../framework/child.ts"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { manyExpected } from "../programs/many.ts"

const inputOf = (isTiny: boolean, collectEvery = Infinity): RssInput => ({
  ...(isTiny ? { jobs: 6, first: 3, facts: 50 } : { jobs: 200, first: 50, facts: 1_000 }),
  ...(collectEvery === Infinity ? {} : { collectEvery })
})

const { facts, first, jobs } = inputOf(false)
const between = `after job ${jobs} less after job ${first}`

const contender = (name: string, about: string, flags: ReadonlyArray<string>, collectEvery?: number): Contender => ({
  name,
  about,
  start: async (isTiny) => ({
    round: async () => {
      const { grownMb, heapGrownMb, peakGrownMb, results, youngMb } = await runChild<RssResult>(
        "rss.ts",
        inputOf(isTiny, collectEvery),
        ["--expose-gc", ...flags]
      )
      return { values: { grown: grownMb, peak: peakGrownMb, heap: heapGrownMb, young: youngMb }, result: results }
    }
  })
})

export const benchmark: Benchmark = {
  name: "rss",
  title: `The memory of ${jobs} jobs in sequence`,
  measures: [
    `A process of its own runs ${jobs} jobs of ${count(facts)} facts, one after the other, on one engine with two threads. Each job's facts are shipped to a worker and summed there.`,
    `The figure is the resident memory of the process, threads included, after a full collection on the main thread: after the last job, less after job ${first}. The peak is read after each job, without any collection of ours.`
  ],
  notMeasured: "Jobs side by side; hours (npm run soak is for minutes).",
  missed: [
    `No job is kept: after a collection the heap is as large after ${jobs} jobs as after ${first}. Its growth stands in the table. What grows is memory that V8 keeps:`,
    "- Its young generation doubles while much survives: 67 MB of the growth, as its heap statistics say.",
    "- Its old generation pools pages that it has freed, and does not give them back at a collection: 22 MB after 50 jobs and 52 MB after 200, as its trace says, in a run with a small young generation.",
    "So resident memory stands still with a young generation of a fixed size and a collector that runs before much has piled up, as the figure beside it shows. Both are for the process to decide, not for a library: `--max-semi-space-size`, a heap limit, or NODE_OPTIONS for a server."
  ],
  rounds: 3,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    grown: { title: `resident memory ${between}`, unit: "MB" },
    peak: { title: `its peak until job ${jobs} less until job ${first}`, unit: "MB" },
    young: { title: `V8's young generation on the main thread ${between}`, unit: "MB" },
    heap: { title: `heap of the main thread ${between}`, unit: "MB" }
  },
  contenders: [
    contender("ours", "effect-converge, a pool of two threads", []),
    contender(
      "bounded",
      "the same, in a process with `--max-semi-space-size=8` that collects after every tenth job",
      ["--max-semi-space-size=8"],
      10
    )
  ],
  expected: (isTiny) => ({ "": [manyExpected(inputOf(isTiny).facts)] }),
  figures: [
    {
      name: "rss/growth",
      title: `growth of resident memory after the first ${first}`,
      unit: "MB",
      better: "lower",
      bar: 5,
      aim: 0,
      ofRound: value("ours", "grown")
    },
    {
      name: "rss/growth-bounded",
      title: "the same where the young generation may not grow and the collector runs after every tenth job",
      unit: "MB",
      better: "lower",
      ofRound: value("bounded", "grown")
    },
    {
      name: "rss/peak-growth",
      title: `growth of its peak after the first ${first}`,
      unit: "MB",
      better: "lower",
      ofRound: value("ours", "peak")
    }
  ]
}
