/** Bodies of requests: how much may be in them, and how much is said about one that does not fit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { count, signalled } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({ programs: [count, signalled], maxBodyValues: 2_000 })
})
afterAll(() => running.stop())

const post = (body: unknown, path = "/api/v1/jobs") => running.post(path, body)

describe("the values of a body", () => {
  it("are as many as are allowed, however little room they take: 413", async () => {
    const input = (text: string) => post(`{"program": "count", "input": {"to": 1, "more": ${text}}}`)
    // The body, the program, the input, its number, and the list.
    const atMost = 2_000 - 5
    for (const item of ["0", "[]", "{}", " [ ] ", '",,[{"']) {
      const list = (length: number) => `[${Array.from({ length }, () => item).join(",")}]`
      const fits = await input(list(atMost))
      expect([fits.status, (await jsonOf(fits))["type"]], item).toEqual([400, "urn:effect-converge:InvalidInput"])
      const refused = await input(list(atMost + 1))
      expect(refused.status, item).toBe(413)
      expect(await jsonOf(refused)).toMatchObject({
        type: "urn:effect-converge:BodyTooLarge",
        limit: 2_000,
        detail: "a body may have 2000 values"
      })
    }
    const members = Array.from({ length: 2_000 }, (_, n) => `"k${n}": 0`)
    expect((await input(`{${members.join(",")}}`)).status).toBe(413)
    expect((await post({ facts: Array.from({ length: 2_000 }, () => 0) }, "/api/v1/jobs/none/signals")).status).toBe(
      413
    )
  })
})

describe("a large body that does not fit", () => {
  const many = (length: number, value: unknown) =>
    Object.fromEntries(Array.from({ length }, (_, n) => [`k${n}`, value]))

  it.each([
    ["properties that nobody knows", { program: "count", ...many(1_900, 0) }],
    ["a few of them", { program: "count", ...many(100, 0) }],
    ["an input with them", { program: "count", input: { to: 1, ...many(1_900, 0) } }],
    ["an input with a few", { program: "count", input: { to: 1, ...many(400, 0) } }],
    ["a name that is long", { program: "count", ["x".repeat(500_000)]: 0 }],
    ["a name that is long in an input", { program: "count", input: { to: 1, ["x".repeat(500_000)]: 0 } }],
    ["a text where a number belongs", { program: "count", input: { to: "x".repeat(500_000) } }],
    ["a budget that is none", { program: "count", input: { to: 1 }, budget: { maxDuration: "x".repeat(500_000) } }]
  ])("is told briefly: %s", async (_, body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text.length).toBeLessThan(20_000)
    const { detail, errors = [] } = JSON.parse(text) as { detail: string; errors?: ReadonlyArray<unknown> }
    expect(detail.length).toBeLessThan(3_000)
    expect(errors.length).toBeLessThanOrEqual(20)
  })

  it("is told of all that is wrong, if that is little", async () => {
    const response = await post({ program: 1, input: {}, budget: { maxCycles: -1 }, more: 0 })
    const { errors } = (await response.json()) as { errors: ReadonlyArray<{ path: ReadonlyArray<string> }> }
    expect(errors.map(({ path }) => path.join(".")).toSorted()).toEqual(
      expect.arrayContaining(["body.budget.maxCycles", "body.more", "body.program"])
    )
  })

  it("is told briefly of facts, too", async () => {
    const started = await running.post("/api/v1/jobs", { program: "signalled" }, { prefer: "respond-async" })
    const { jobId } = await jsonOf(started)
    const path = `/api/v1/jobs/${String(jobId)}/signals`
    const wrong = await post({ facts: Array.from({ length: 1_900 }, () => 0) }, path)
    expect(wrong.status).toBe(400)
    expect((await wrong.text()).length).toBeLessThan(20_000)
    const odd = await post({ facts: [{ kind: "x".repeat(500_000), value: 0 }] }, path)
    expect(odd.status).toBe(400)
    expect((await odd.text()).length).toBeLessThan(20_000)
  })
})
