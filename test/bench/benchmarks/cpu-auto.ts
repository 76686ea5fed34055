/** Whether `placement: "auto"` finds the better place for tasks of every length. */
import { best, type Benchmark, type Contender } from "../framework/definition.ts"
import { placed } from "../programs/chain.ts"
import { sharedEngine, timed } from "../support/engine.ts"
import { runCycles } from "../support/lanes.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const lanesOf = (isTiny: boolean) => (isTiny ? 4 : 64)

/** Cycles of one job: fewer of the long tasks. */
const cyclesOf = (us: number, isTiny: boolean): number =>
  isTiny ? 2 : us <= 10 ? 50 : us <= 100 ? 20 : us <= 1_000 ? 5 : 2

const lengthOf = (us: number): string => (us >= 1_000 ? `${us / 1_000} ms` : `${us} µs`)

let calibrated: Promise<number> | undefined
const rateOf = (isTiny: boolean): Promise<number> =>
  isTiny ? Promise.resolve(1) : (calibrated ??= stepsPerMicrosecond())

/** One engine for all contenders, so that all of them are placed on the same threads. */
const liveEngine = sharedEngine(threads)

const placements = ["auto", "inline", "worker"] as const

const contenders: ReadonlyArray<Contender> = placed.flatMap((programs) =>
  placements.map((placement) => ({
    name: `${placement}-${programs.us}us`,
    about: `tasks of ${programs.us.toLocaleString("en-US")} µs, ${placement === "auto" ? '`placement: "auto"`' : placement === "inline" ? "all on the main thread" : "all on two workers"}`,
    computes: String(programs.us),
    start: async (isTiny: boolean) => {
      const engine = liveEngine()
      const steps = Math.max(1, Math.round((await rateOf(isTiny)) * programs.us))
      const input = { lanes: lanesOf(isTiny), steps }
      const cycles = cyclesOf(programs.us, isTiny)
      return {
        round: async () => {
          const [ms, result] = await timed(() => runCycles(engine, programs[placement], input, cycles))
          return { values: { cycle: ms / cycles }, result }
        },
        stop: engine.stop
      }
    }
  }))
)

export const benchmark: Benchmark = {
  name: "cpu-auto",
  title: `CPU tasks of ${lengthOf(placed[0]!.us)} to ${lengthOf(placed.at(-1)!.us)}, placed by the pool`,
  measures: [
    `The same job of ${lanesOf(false)} tasks a cycle runs three times: with \`placement: "auto"\`, all inline, and all on ${threads} warm workers. The figure is the time of auto over that of the better other placement in the same round, for each length of task.`,
    "A length is a number of steps, which is calibrated on a bare thread when the run begins.",
    "Each length and placement is a program of its own, so auto learns of each alone. It learns in the warm-up rounds."
  ],
  notMeasured:
    "The first job of an agent that is still unknown to the pool; agents whose cost changes from job to job.",
  missed:
    "Where both places cost the same, noise decides the choice and thus the figure. A batch that is tried in the other place, or a busy moment of the machine, changes what the pool has learned.",
  rounds: 9,
  warmups: 3,
  metrics: { cycle: { title: "one cycle", unit: "ms" } },
  contenders,
  figures: placed.map(({ us }) => ({
    name: `cpu-auto/${us}us`,
    title: `tasks of ${lengthOf(us)}: auto / the better of inline and workers`,
    unit: "ratio",
    better: "lower",
    bar: 1.15,
    aim: 1.05,
    ofRound: (round) => round(`auto-${us}us`, "cycle") / best(round, "cycle", `inline-${us}us`, `worker-${us}us`)
  }))
}
