/** The time until a job whose process was killed has been resumed and has halted. */
import { cpSync, rmSync } from "node:fs"
import { Engine } from "../converge.ts"
import type { DoomedInput } from "../children/dieInJob.ts"
import { runDoomed } from "../framework/child.ts"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { diskFolder } from "../framework/diskFolder.ts"
import { beforeStep, durable, durableExpected } from "../programs/durable.ts"
import { openDurable } from "../support/durable.ts"
import { startEngine, timed } from "../support/engine.ts"

/** The cycles that were committed when the process was killed, and the facts that each of them added besides its step. */
interface Shape {
  readonly cycles: number
  readonly items: number
}

const cyclesShape = (isTiny: boolean): Shape => ({ cycles: isTiny ? 20 : 10_000, items: 0 })
const factsShape = (isTiny: boolean): Shape => ({ cycles: isTiny ? 2 : 100, items: isTiny ? 10 : 999 })

const large = factsShape(false)

const id = "resumed"
const seed = 7

/** One cycle is left to be done. */
const inputOf = ({ cycles, items }: Shape) => ({ value: seed, cycles: cycles + 1, items })

const contender = (name: string, about: string, shapeOf: (isTiny: boolean) => Shape): Contender => ({
  name,
  about,
  computes: name,
  start: async (isTiny) => {
    const shape = shapeOf(isTiny)
    const input = inputOf(shape)
    const uninterrupted = startEngine()
    const { hash } = await uninterrupted.run(Engine.run(durable, input))
    await uninterrupted.stop()
    const left = diskFolder("left")
    const doomed: DoomedInput = { folder: left, id, input, diesAt: shape.cycles + 1 }
    await runDoomed("dieInJob.ts", doomed)
    return {
      round: async () => {
        const folder = diskFolder("resumed")
        cpSync(left, folder, { recursive: true })
        let steps = 0
        beforeStep.run = () => {
          steps++
        }
        const [ms, { engine, result }] = await timed(async () => {
          const engine = openDurable(folder, "full")
          return { engine, result: await engine.run(Engine.run(durable, input, { id })) }
        })
        await engine.stop()
        rmSync(folder, { recursive: true })
        return { values: { resumed: ms }, result: { output: result.output, steps, isSameHash: result.hash === hash } }
      },
      stop: async () => rmSync(left, { recursive: true })
    }
  }
})

const expectedOf = (shape: Shape) => ({
  output: durableExpected(seed, shape.cycles + 1),
  steps: 1,
  isSameHash: true
})

const bounds = { unit: "ms", better: "lower" } as const

export const benchmark: Benchmark = {
  name: "durable-resume",
  title: "Going on with a job whose process was killed",
  measures: [
    "Another process begins a durable job, and SIGKILL ends it in the last cycle that adds anything. A process that has resumed such jobs before resumes this one by its id, on a copy of the files that were left.",
    "The time is that from the build of the layers to the result of the job, which does that cycle and halts.",
    "The result must have the hash of a job that was never interrupted, and no step may be done twice."
  ],
  notMeasured:
    "The start of a process (start); the first read of the files from a disk, since they are in the page cache.",
  rounds: 9,
  warmups: 2,
  warmupMs: 0,
  metrics: { resumed: { title: "until the resumed job has halted", unit: "ms" } },
  contenders: [
    contender(
      "cycles",
      `a journal of ${count(cyclesShape(false).cycles)} cycles that added a small fact each`,
      cyclesShape
    ),
    contender(
      "facts",
      `a journal of ${count(large.cycles)} cycles that added ${count(1 + large.items)} facts of some 200 bytes each`,
      factsShape
    )
  ],
  expected: (isTiny) => ({ cycles: expectedOf(cyclesShape(isTiny)), facts: expectedOf(factsShape(isTiny)) }),
  figures: [
    {
      ...bounds,
      name: "durable-resume/cycles",
      title: `a job of ${count(cyclesShape(false).cycles)} cycles`,
      bar: 1_000,
      ofRound: value("cycles", "resumed")
    },
    {
      ...bounds,
      name: "durable-resume/facts",
      title: `a job whose context has ${count(large.cycles * (1 + large.items))} facts`,
      bar: 3_000,
      ofRound: value("facts", "resumed")
    }
  ]
}
