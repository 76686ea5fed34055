/** A journal that is followed while its job runs: the events are those of a reader that comes late, and no row is read twice. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { Agent, Fact, Intent, JobStore, Journal, Program } from "../../src/index.ts"
import { JournalFollower } from "../../src/journal/following.ts"
import type { JobEvent } from "../../src/outcome/JobEvent.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { serve, until } from "../support/server/harness.ts"

const Round = Fact.kind("Round", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** Counts, and asks before it counts on. */
const rounds = Program.make("rounds", {
  input: Schema.Struct({}),
  seed: () => [Round.of({ n: 0 })],
  agents: [
    Agent.make("counts", {
      each: Round,
      writes: [Round],
      execute: ({ value: { n } }) => {
        const intents = n === 5 ? [Intent.approval({ id: "go", question: "May it go?" })] : []
        return Effect.succeed({ facts: n < 10 ? [Round.of({ n: n + 1 })] : [], intents })
      }
    })
  ]
})

const followed = async () => {
  const kept = await Effect.runPromise(journalStore)
  const asked: Array<number> = []
  const counting: JobStore.JobStore["Service"] = {
    ...kept,
    rows: (jobId, after, ...more) => {
      asked.push(after)
      return kept.rows(jobId, after, ...more)
    }
  }
  const follower = new JournalFollower(counting)
  const events: Array<JobEvent> = []
  const look = async (): Promise<void> => {
    const journal = await Effect.runPromise(kept.load("it"))
    events.push(...(await Effect.runPromise(follower.look(journal))))
  }
  const store = Layer.succeed(JobStore.JobStore, kept)
  const running = await serve({ programs: [rounds] }, { store })
  await running.post("/api/v1/jobs", { program: "rounds", id: "it", input: {} }, { prefer: "respond-async" })
  await until(async () => {
    await look()
    return events.at(-1)?._tag === "JobAwaiting"
  })
  await running.stop()
  const again = await serve({ programs: [rounds] }, { store })
  await look()
  await until(async () => {
    const { status } = await again.post("/api/v1/jobs/it/approvals/go", { decision: "approve", by: "Ada" })
    return status < 300
  })
  await until(async () => {
    await look()
    return events.at(-1)?._tag === "JobHalted"
  })
  await look()
  await again.stop()
  const whole = await Effect.runPromise(
    Effect.flatMap(Journal.events("it"), Stream.runCollect).pipe(Effect.provideService(JobStore.JobStore, kept))
  )
  return { asked, events, whole }
}

describe("a journal that is followed", () => {
  it("gives each event once, and each look reads on from the last row", async () => {
    const { asked, events, whole } = await followed()
    expect(events).toEqual(whole)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.filter(({ _tag }) => _tag === "JobAwaiting")).toHaveLength(1)
    // Only the first look began at the beginning.
    expect(asked.length).toBeGreaterThan(1)
    expect(asked.filter((after) => after === 0)).toHaveLength(1)
    expect(asked).toEqual(asked.toSorted((a, b) => a - b))
  })
})
