/**
 * The example of docs/examples/research, with models that go by a script or by a recording: agents alone, rounds, approval, budget,
 * a bill that is kept, and a failure that was recorded.
 */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Intent, Program } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { criticise, Finding, inquiry, plan, sendBack, Verdict } from "../../../docs/examples/research/program.ts"
import { metered, type Opinion, reviewed } from "../../../docs/examples/research/review.ts"
import { type Script, script, scriptedModel } from "../../../docs/examples/research/scriptedModel.ts"
import { projectRoot } from "../../support/node.ts"
import { withFile } from "../../support/store/harness.ts"
import { kill, lines } from "../../support/store/processes.ts"

/** A metered model, and how often it was asked for what. */
const counted = (answers: Script = script) => {
  const asked: Record<string, number> = {}
  const model = Testing.model(({ objectName, prompt }) => {
    asked[objectName] = (asked[objectName] ?? 0) + 1
    return { object: answers(objectName, prompt) }
  })
  return { asked, model: metered(model) }
}

/** Decides by the table; nobody should be asked about another draft. */
const by =
  (opinions: Readonly<Record<string, Omit<Opinion, "by">>>) =>
  ({ id }: { readonly id: string }) => {
    const opinion = opinions[id]
    return opinion === undefined
      ? Effect.die(new Error(`asked about ${id}`))
      : Effect.succeed({ by: "Ada", ...opinion })
  }

const topic = "the sea"
const yes = { approved: true, reason: "" }
const shorter = { approved: false, reason: "shorter, please" }

const output = {
  topic,
  report: "A report. It is long.",
  approvedBy: "Ada",
  drafts: 1,
  sources: ["the book of How deep is it?", "the book of Who measured it?"],
  open: ["Why?"]
}

/** The bill of an inquiry whose first draft is approved: seven answers, seven reviews, a plan and a report. */
const bill = { tokens: 374, cost: 16 }

const onEngine = Effect.provide(Testing.layer())

describe("an agent of the inquiry", () => {
  it.effect("plans each question once, though the model asks it twice, and tells its tokens", () =>
    Effect.gen(function* () {
      const { facts } = yield* Testing.execute(plan, { input: { topic } })
      expect(facts.map(({ id }) => id)).toEqual(["1: How?", "1: Why?"])
    }).pipe(Effect.provide(Testing.model([{ object: { questions: ["How?", "Why?", "How?"] } }])))
  )

  it.effect("fails with the model's error if the answer is of another shape", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Testing.execute(plan, { input: { topic } }))).toMatchObject({ _tag: "AiError" })
    }).pipe(Effect.provide(Testing.model([{ object: { questions: [] } }])))
  )

  it.effect("criticises an answer by its sources, and pays by the meter", () =>
    Effect.gen(function* () {
      const finding = Finding.of({ question: "How?", round: 1, text: "So.", sources: [] })
      const { facts, usage } = yield* Testing.execute(criticise, { each: finding })
      expect(facts[0]?.value).toMatchObject({ isAccepted: false, remark: "Name your sources." })
      expect(usage.tokens).toBeGreaterThan(10)
    }).pipe(Effect.provide(counted().model))
  )

  it.effect("sends an answer back twice, and then gives the question up", () =>
    Effect.gen(function* () {
      const sentBack = (round: number, isAccepted: boolean) =>
        Effect.map(
          Testing.execute(sendBack, { each: Verdict.of({ question: "How?", round, isAccepted, remark: "No." }) }),
          ({ facts }) => facts.map(({ id }) => id)
        )
      expect(yield* sentBack(1, false)).toEqual(["2: How?"])
      expect(yield* sentBack(1, true)).toEqual([])
      expect(yield* sentBack(3, false)).toEqual([])
    })
  )
})

describe("an inquiry", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(inquiry)).toEqual([])
  })

  it.effect("asks again what the critic sends back, three times at most, and reports on what was accepted", () =>
    Effect.gen(function* () {
      const { asked, model } = counted()
      const job = yield* Effect.provide(Testing.start(inquiry, { topic }), model)
      yield* job.until("awaiting")
      expect((yield* job.approvals).map(({ id, question }) => [id, question])).toEqual([
        ["draft 1", "Publish this report?"]
      ])
      yield* job.signal([Intent.Decision.of({ approval: "draft 1", by: "Ada", ...yes })])
      const { diagnostics, output: published, usage } = yield* job.result
      expect(published).toEqual(output)
      // Two questions were answered in the second round; the third was given up after three.
      expect(asked).toEqual({ plan: 1, answer: 7, review: 7, report: 1 })
      expect(usage).toMatchObject(bill)
      expect(diagnostics).toEqual([])
    }).pipe(onEngine)
  )

  it.effect("writes anew when somebody asks for changes, and publishes nothing that nobody approved", () =>
    Effect.gen(function* () {
      const { asked, model } = counted()
      const run = (id: string, decisions: Parameters<typeof by>[0]) =>
        Effect.provide(reviewed(id, topic, by(decisions)), model)
      const changed = yield* run("changed", { "draft 1": shorter, "draft 2": yes, "draft 3": shorter })
      expect(changed.output).toEqual({ ...output, report: "A report. It is short.", drafts: 2 })
      const refused = yield* run("refused", { "draft 1": shorter, "draft 2": shorter, "draft 3": shorter })
      expect(refused.output).toEqual({ ...output, report: null, approvedBy: null, drafts: 3 })
      expect(asked["report"]).toBe(2 + 3)
    }).pipe(onEngine)
  )

  it.effect("ends before a call that could exceed its budget, with what was paid for", () =>
    Effect.gen(function* () {
      const { asked, model } = counted()
      const error = yield* Engine.run(inquiry, { topic }, { budget: { maxTokens: 1_100 } }).pipe(
        Effect.flip,
        Effect.provide(model)
      )
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", limit: 1_100 })
      const { partial } = error as Extract<typeof error, { readonly _tag: "BudgetExhausted" }>
      expect(partial.usage.tokens).toBeGreaterThan(90)
      expect(partial.usage.tokens).toBeLessThanOrEqual(1_100)
      expect(asked["plan"]).toBe(1)
      expect(asked["report"]).toBeUndefined()
    }).pipe(onEngine)
  )

  it.live("asks a model again that answers in another shape, and then fails; every attempt is paid", () =>
    Effect.gen(function* () {
      const { asked, model } = counted(() => ({ questions: [] }))
      const error = yield* Effect.flip(Engine.run(inquiry, { topic })).pipe(Effect.provide(model))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "plan", error: { _tag: "AiError" } })
      expect(asked).toEqual({ plan: 3 })
      const { partial } = error as Extract<typeof error, { readonly _tag: "AgentFailed" }>
      expect(partial.usage.tokens).toBeGreaterThanOrEqual(3)
    }).pipe(Effect.provide(Testing.layer({ clock: "caller" })))
  )
})

describe("the promises of an inquiry", () => {
  it.effect("hold in every run up to the question, bill and all, and whenever the process dies", () =>
    Effect.gen(function* () {
      const { hash, waitsFor } = yield* Testing.deterministic(inquiry, { topic }, { orders: 3 })
      expect(waitsFor).toEqual(['the approval "draft 1"'])
      const survived = yield* Testing.durable(inquiry, { topic }, { kills: 30 })
      expect(survived).toMatchObject({ status: "awaiting", hash, kills: 30 })
      // At most the three calls of a round are under way. Each is paid as it was reserved.
      expect(survived.overpaid.cost).toBeGreaterThan(0)
      expect(survived.overpaid.cost).toBeLessThanOrEqual(3 * 10)
    }).pipe(Effect.provide(counted().model))
  )

  it.effect("hold for an inquiry that answers from a recording: no model is asked, and nothing is paid", () =>
    Effect.gen(function* () {
      const { asked, model } = counted()
      const decisions = by({ "draft 1": shorter, "draft 2": yes })
      yield* Effect.provide(reviewed("paid", topic, decisions), model)
      const recording = yield* Testing.recording("paid")
      const before = { ...asked }
      const { program } = Testing.recorded(inquiry, recording)
      const job = yield* Testing.start(program, { topic }, { id: "again" })
      for (const [approval, opinion] of [["draft 1", shorter] as const, ["draft 2", yes] as const]) {
        yield* job.until("awaiting")
        yield* job.signal([Intent.Decision.of({ approval, by: "Ada", ...opinion })])
      }
      const { hash, output: again, usage } = yield* job.result
      expect([hash, usage.cost, again?.drafts]).toEqual([recording.hash, 0, 2])
      const { jobs } = yield* Testing.rehearse(inquiry, [recording])
      expect(jobs[0]).toMatchObject({ isSame: true, isOtherwise: false })
      expect(asked).toEqual(before)
    }).pipe(onEngine)
  )

  it.effect("hold for a failure that was recorded: it fails in the same way, without its model", () =>
    Effect.gen(function* () {
      const file = readFileSync(new URL("offTopic.case.json", import.meta.url), "utf8")
      const given = yield* Testing.decodeCase(JSON.parse(file))
      const run = yield* Testing.runCase(inquiry, given)
      expect(run).toMatchObject({ isSame: true, end: { error: "AgentFailed", of: "plan" }, unanswered: [] })
    })
  )
})

describe("an inquiry that is broken off", () => {
  it.effect(
    "during its calls keeps every answer and the bill, and pays calls that were under way as they were reserved",
    () =>
      Effect.gen(function* () {
        const stuck = yield* Deferred.make<void>()
        const asked: Array<string> = []
        // The three answers of the second round are under way when the process ends.
        const first = scriptedModel(script, (objectName) =>
          Effect.suspend(() => {
            asked.push(objectName)
            const answers = asked.filter((name) => name === "answer").length
            if (objectName !== "answer" || answers <= 3) return Effect.void
            return Effect.andThen(answers === 6 ? Deferred.succeed(stuck, undefined) : Effect.void, Effect.never)
          })
        )
        yield* Effect.provide(Testing.start(inquiry, { topic }, { id: "i" }), metered(first))
        yield* Deferred.await(stuck)
        yield* Testing.kill
        const second = counted()
        const result = yield* Effect.provide(reviewed("i", topic, by({ "draft 1": yes })), second.model)
        expect(result.output).toEqual(output)
        expect(result.usage).toMatchObject({ tokens: bill.tokens + 3 * 1_000, cost: bill.cost + 3 * 10 })
        expect(asked).toHaveLength(1 + 6 + 3)
        expect(second.asked).toEqual({ answer: 4, review: 4, report: 1 })
      }).pipe(onEngine)
  )

  it.live(
    "by kill -9 at the question goes on there, and asks no model again",
    () =>
      withFile((filename) =>
        Effect.promise(async () => {
          const start = () =>
            spawn(process.execPath, [join(projectRoot, "docs/examples/research/main.ts"), "--store", filename], {
              stdio: ["pipe", "pipe", "inherit"]
            })
          const killed = start()
          expect((await lines(killed, 2))[0]).toBe("draft 1: A report. It is long.")
          await kill(killed)
          const second = start()
          second.stdin?.end("y\n")
          let said = ""
          second.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()))
          await new Promise((resolve) => second.on("close", resolve))
          expect(JSON.parse(said.slice(said.indexOf("{")))).toEqual({ ...output, ...bill, approvedBy: "the reader" })
        })
      ),
    60_000
  )
})
