/** The intents of a job over HTTP: what became of each, or what it waits for; now, and as of a cycle. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { counting, engine, letters, parents } from "../support/intentPrograms.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-intents-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = (filename?: string) =>
  serve(
    { programs: [letters, parents, counting] },
    {
      engine,
      ...(filename === undefined ? {} : { store: JobStore.layerSqlite({ filename: join(folder, filename) }) })
    }
  )

const begin = (running: Running, program: string, id: string, input: object = {}) =>
  running.post("/api/v1/jobs", { program, id, input }, { prefer: "respond-async" })

const reach = (running: Running, id: string, state: string) => until(async () => (await stateOf(running, id)) === state)

type Page = Record<string, unknown> & { readonly intents: ReadonlyArray<Record<string, unknown>> }

const intentsOf = async (running: Running, id: string, query = ""): Promise<Page> => {
  const response = await running.fetch(`/api/v1/jobs/${id}/intents${query}`)
  const body = await jsonOf(response)
  expect(response.status, JSON.stringify(body)).toBe(200)
  return body as Page
}

const decide = (running: Running, id: string, approval: string, decision: string) =>
  running.post(`/api/v1/jobs/${id}/approvals`, { approval, decision, by: "Ada", note: "it is fine" })

/** Goes through a job with two questions, one of which stays open. */
const walk = async (running: Running): Promise<void> => {
  await begin(running, "letters", "two", { people: ["Bob", "Cy"] })
  await reach(running, "two", "awaiting")
  expect(await intentsOf(running, "two")).toMatchObject({
    cycle: 1,
    count: 2,
    waiting: 2,
    intents: [
      { kind: "Approval", agent: "ask", cycle: 1, state: "waits", waitsFor: "decision", child: null, answer: null },
      { kind: "Approval", state: "waits" }
    ],
    cursor: null,
    previous: null
  })
  await decide(running, "two", "Bob", "approve")
  await until(async () => (await intentsOf(running, "two")).intents[2]?.["answer"] !== null)
  await until(async () => Number((await intentsOf(running, "two"))["count"]) === 4)
}

const answered = [
  {
    kind: "Approval",
    payload: { id: "Bob", question: "Write to Bob?" },
    state: "answered",
    waitsFor: null,
    answer: {
      cycle: 2,
      origin: "signal",
      count: 1,
      facts: [
        { kind: "Decision", id: "Bob", value: { approval: "Bob", approved: true, by: "Ada", reason: "it is fine" } }
      ],
      error: null
    }
  },
  { kind: "Approval", payload: { id: "Cy" }, state: "waits", answer: null },
  {
    kind: "Mail",
    agent: "send",
    each: { kind: "Decision", id: "Bob" },
    state: "answered",
    answer: { origin: "intent", count: 1, facts: [{ kind: "Letter", id: "Bob", value: { to: "Bob" } }], error: null }
  },
  { kind: "Memo", state: "unperformed", waitsFor: null, answer: null }
]

describe("the intents of a job", () => {
  it("tell who decided what, why and when, which facts a handler gave, and what waits for whom", async () => {
    const running = await open()
    try {
      await walk(running)
      expect(await intentsOf(running, "two")).toMatchObject({ count: 4, waiting: 1, intents: answered })
      const past = await running.fetch("/api/v1/jobs/two/intents?at=1")
      expect([past.status, (await jsonOf(past))["type"]]).toEqual([409, "urn:effect-converge:NoJournal"])
    } finally {
      await running.stop()
    }
  })

  it("are the same from a journal: as of a cycle, and after a restart", async () => {
    const running = await open("two.db")
    let live: Page
    try {
      await walk(running)
      live = await intentsOf(running, "two")
      expect(live).toMatchObject({ waiting: 1, intents: answered })
      expect(await intentsOf(running, "two", `?at=${Number(live["cycle"])}`)).toEqual(live)
      expect(await intentsOf(running, "two", "?at=1")).toMatchObject({
        cycle: 1,
        waiting: 2,
        intents: [{ state: "waits" }, { state: "waits" }]
      })
    } finally {
      await running.stop()
    }
    const again = await open("two.db")
    try {
      await reach(again, "two", "awaiting")
      expect(await intentsOf(again, "two")).toEqual(live)
      await again.post("/api/v1/jobs/two/cancel")
      await reach(again, "two", "cancelled")
      expect((await intentsOf(again, "two")).intents[1]).toMatchObject({ state: "left", waitsFor: null })
    } finally {
      await again.stop()
    }
    const third = await open("two.db")
    try {
      expect((await intentsOf(third, "two")).intents.map(({ state }) => state)).toEqual([
        "answered",
        "left",
        "answered",
        "unperformed"
      ])
    } finally {
      await third.stop()
    }
  })

  it("name the child job and its result, and the failure of a handler", async () => {
    const running = await open("child.db")
    try {
      await begin(running, "parents", "mother")
      await reach(running, "mother", "converged")
      const [child] = (await intentsOf(running, "mother")).intents
      expect(child).toMatchObject({
        kind: "ChildJob",
        state: "answered",
        answer: { facts: [{ kind: "ChildResult", id: "seven", value: { status: "converged", output: 7 } }] }
      })
      expect(await stateOf(running, encodeURIComponent(String(child?.["child"])))).toBe("converged")
      await begin(running, "letters", "eve", { people: ["Eve"] })
      await reach(running, "eve", "awaiting")
      await decide(running, "eve", "Eve", "approve")
      await reach(running, "eve", "failed")
      expect((await intentsOf(running, "eve")).intents[1]).toMatchObject({
        kind: "Mail",
        state: "failed",
        answer: { facts: [], error: { _tag: "IntentFailed", error: { message: "Eve has no address" } } }
      })
    } finally {
      await running.stop()
    }
  })

  it("come page by page, with long values cut", async () => {
    const running = await open()
    try {
      await begin(running, "letters", "many", { people: ["a", "b", "c", "d", "e"] })
      await reach(running, "many", "awaiting")
      const first = await intentsOf(running, "many", "?limit=2&valueLength=5")
      expect(first).toMatchObject({ count: 5, cursor: "2", previous: null })
      expect(first.intents[0]).toMatchObject({ payload: `{"id"`, length: 35 })
      const second = await intentsOf(running, "many", "?limit=2&cursor=2")
      expect(second.intents.map(({ payload }) => (payload as { readonly id: string }).id)).toEqual(["c", "d"])
      const before = await intentsOf(running, "many", `?limit=2&before=${String(second["previous"])}`)
      expect(before.intents.map(({ payload }) => (payload as { readonly id: string }).id)).toEqual(["a", "b"])
      expect((await running.fetch("/api/v1/jobs/many/intents?cursor=x")).status).toBe(400)
    } finally {
      await running.stop()
    }
  })
})
