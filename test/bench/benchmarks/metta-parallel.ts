/** Whether a MeTTa program is faster with threads where that can be, and never much slower. */
import { type Benchmark, type Contender, ratio } from "../framework/definition.ts"
import { sharedEngine } from "../support/engine.ts"
import { evaluations, runText } from "../support/metta.ts"

const lengths = [1, 10, 100, 1_000, 10_000, 100_000] as const
const counts = [1, 8, 64, 512] as const

/** The work of a program is at most this long in sequence, so that a round has an end. */
const longestMs = 1_000

const cases = counts.flatMap((count) =>
  lengths.filter((us) => count * us <= longestMs * 1_000).map((us) => ({ count, us, name: `${count}x${us}us` }))
)

const lengthOf = (us: number): string => (us >= 1_000 ? `${us / 1_000} ms` : `${us} µs`)

const sides = { sequence: sharedEngine(0), threads: sharedEngine(2) }

const contenders: ReadonlyArray<Contender> = cases.flatMap(({ count, us, name }) =>
  (["sequence", "threads"] as const).map((side) => ({
    name: `${side}-${name}`,
    about: `${count} evaluations of ${lengthOf(us)}, ${side === "threads" ? "on two workers" : "on the main thread"}`,
    computes: name,
    start: async (isTiny: boolean) => {
      const engine = sides[side]()
      const text = evaluations(isTiny ? Math.min(count, 8) : count, us, isTiny)
      // Short programs run several times, so that a clock can tell them apart.
      const times = isTiny ? 1 : Math.max(1, Math.min(20, Math.round(40_000 / (count * us))))
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
)

export const benchmark: Benchmark = {
  name: "metta-parallel",
  title: "MeTTa programs of 1 to 512 evaluations, with threads and without",
  measures: [
    "The program of docs/examples/metta runs texts of some evaluations between two barriers, each of about the same length, on two warm workers and on the main thread. The figure is the time of the job with workers over that without, in the same round.",
    "A length is a number of turns of a loop, which is calibrated on the evaluator when the run begins. Evaluations of 1 µs are additions."
  ],
  notMeasured: `Programs whose evaluations together take more than ${longestMs} ms in sequence; the start of the threads.`,
  rounds: 5,
  warmups: 2,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders,
  figures: cases.map(({ count, us, name }) => {
    const isLong = count > 1 && us >= 10_000
    return {
      name: `metta-parallel/${name}`,
      title: `${count} × ${lengthOf(us)}: threads / sequence`,
      unit: "ratio",
      better: "lower" as const,
      bar: isLong ? 0.6 : 1.1,
      aim: isLong ? 0.55 : 1,
      ofRound: ratio(`threads-${name}`, `sequence-${name}`, "job")
    }
  })
}
