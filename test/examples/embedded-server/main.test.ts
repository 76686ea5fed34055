/** Jobs beside the routes of a server of one's own: as a process, through a socket. program.test.ts tests its program alone. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { node, projectRoot } from "../../support/node.ts"
import { until } from "../../support/until.ts"

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("close", resolve))

/** The example as a process over a file, and its URL. */
const started = async (store: string) => {
  const child = spawn(process.execPath, [join(projectRoot, "docs/examples/embedded-server/main.ts")], {
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      PORT: "0",
      STORE: store,
      OPERATOR: "operator-secret",
      TENANTS: "acme=acme-secret,globex=globex-secret"
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
    killSignal: "SIGKILL"
  })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      const found = /http:\/\/[\w.:]+\d/.exec(said)?.[0]
      if (found !== undefined) resolve(found)
    })
    child.on("close", () => reject(new Error(`it ended: ${said}`)))
  })
  return { child, url, exited: ended(child) }
}

describe("the embedded server", () => {
  const folder = mkdtempSync(join(tmpdir(), "embedded-server-"))
  let server: Awaited<ReturnType<typeof started>>

  beforeAll(async () => {
    server = await started(join(folder, "jobs.db"))
  })

  afterAll(() => {
    server.child.kill("SIGKILL")
    rmSync(folder, { recursive: true, force: true })
  })

  const asked = (token: string | undefined, path: string, body?: unknown, signal?: AbortSignal) =>
    fetch(server.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal })
    })

  const begun = async (token: string, tickets: Readonly<Record<string, string>>): Promise<string> => {
    const response = await asked(token, "/tickets", tickets)
    expect(response.status).toBe(202)
    return ((await response.json()) as { readonly job: string }).job
  }

  const shown = async (token: string, job: string) =>
    (await (await asked(token, `/tickets/${job}`)).json()) as {
      readonly state: string
      readonly tokens: number
      readonly approvals: ReadonlyArray<{ readonly id: string; readonly question: string }>
      readonly output: unknown
    }

  const reaches = (token: string, job: string, state: string) =>
    until(async () => (await shown(token, job)).state === state, 10_000)

  it("lets nobody pass without a token of its own, on either side", async () => {
    expect(await (await fetch(server.url)).text()).toBe("the shop's own server\n")
    expect((await asked(undefined, "/tickets", {})).status).toBe(401)
    expect((await asked("acme-secret-or-so", "/tickets", {})).status).toBe(401)
    expect((await asked("operator-secret", "/tickets", {})).status).toBe(401)
    expect((await asked("acme-secret", "/tickets", [])).status).toBe(400)
    expect((await asked("acme-secret", "/converge/api/v1/jobs")).status).toBe(401)
    expect((await asked("operator-secret", "/converge/api/v1/jobs")).status).toBe(200)
    expect(await (await fetch(`${server.url}/converge/health`)).text()).toBe("ok")
  })

  it("runs a job for a tenant, which decides what it asks; no other tenant sees or decides anything of it", async () => {
    const job = await begun("acme-secret", { T1: "I was charged twice", T2: "Where is my parcel? gibberish" })
    expect(job).toMatch(/^acme\./)
    await reaches("acme-secret", job, "awaiting")
    expect((await shown("acme-secret", job)).approvals).toEqual([
      { id: "T1", question: "Call back? The customer charged twice" }
    ])

    const decision = { approval: "T1", approved: true, reason: "a good customer" }
    expect((await asked("globex-secret", `/tickets/${job}`)).status).toBe(404)
    expect((await asked("globex-secret", `/tickets/${job}/events`)).status).toBe(404)
    expect((await asked("globex-secret", `/tickets/${job}/decisions`, decision)).status).toBe(404)
    expect((await asked("acme-secret", "/tickets/acme.none")).status).toBe(404)

    expect((await asked("acme-secret", `/tickets/${job}/decisions`, { ...decision, approval: "T2" })).status).toBe(409)
    expect((await asked("acme-secret", `/tickets/${job}/decisions`, decision)).status).toBe(204)
    await reaches("acme-secret", job, "converged")
    expect(await shown("acme-secret", job)).toEqual({
      state: "converged",
      tokens: expect.any(Number),
      approvals: [],
      output: {
        sorted: [
          { ticket: "T1", topic: "billing", isUrgent: true, summary: "charged twice" },
          { ticket: "T2", topic: "delivery", isUrgent: false, summary: "asks where it is" }
        ],
        callbacks: [{ ticket: "T1", isWanted: true, by: "acme" }]
      }
    })
    expect((await asked("acme-secret", `/tickets/${job}/decisions`, decision)).status).toBe(409)
  })

  it("sends a tenant the events of its job, to the end, and nothing of what is inside", async () => {
    const job = await begun("globex-secret", { T5: "A question" })
    const text = await (await asked("globex-secret", `/tickets/${job}/events`)).text()
    const events = text
      .split("\n\n")
      .flatMap((event) => /^id: \d+\nevent: (\w+)\ndata: \{"cycle":\d+\}$/.exec(event)?.[1] ?? [])
    expect(events[0]).toBe("JobStarted")
    expect(events.at(-1)).toBe("JobHalted")
    expect(text.split("\n\n")).toHaveLength(events.length + 1)
    expect(text).not.toContain("question")
  })

  it("serves the jobs of all tenants to its operator: the result, the budget of tokens", async () => {
    const body = { program: "support", input: { tenant: "acme", tickets: { T3: "A question" } }, id: "three" }
    const result = await (await asked("operator-secret", "/converge/api/v1/jobs", body)).json()
    expect(result).toMatchObject({ status: "converged", output: { sorted: [{ ticket: "T3", topic: "other" }] } })
    const poor = await asked("operator-secret", "/converge/api/v1/jobs", {
      ...body,
      id: "poor",
      budget: { maxTokens: 5 }
    })
    expect([poor.status, await poor.json()]).toEqual([
      413,
      expect.objectContaining({ budget: "tokens", spender: "sort" })
    ])
  })

  it("drains on SIGTERM while a tenant watches, and goes on with the job when it is started again", async () => {
    const job = await begun("acme-secret", { T9: "It never arrived" })
    await reaches("acme-secret", job, "awaiting")
    const { body } = await asked("acme-secret", `/tickets/${job}/events`)
    let text = ""
    const watched = (async () => {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk
    })()
    await until(() => text.includes("event: JobAwaiting"))
    const begin = Date.now()
    server.child.kill("SIGTERM")
    await Promise.all([watched, server.exited])
    expect(Date.now() - begin).toBeLessThan(10_000)
    expect(text).not.toContain("event: JobHalted")

    server = await started(join(folder, "jobs.db"))
    await reaches("acme-secret", job, "awaiting")
    const { tokens } = await shown("acme-secret", job)
    const decision = { approval: "T9", approved: false, reason: "it is on its way" }
    expect((await asked("acme-secret", `/tickets/${job}/decisions`, decision)).status).toBe(204)
    await reaches("acme-secret", job, "converged")
    expect(await shown("acme-secret", job)).toMatchObject({
      tokens,
      output: { callbacks: [{ ticket: "T9", isWanted: false, by: "acme" }] }
    })
  })

  it("does not start without its settings, and says which is missing", async () => {
    const { code, stderr } = await node(["docs/examples/embedded-server/main.ts"])
    expect(code).toBe(1)
    expect(stderr).toContain("OPERATOR is not set")
  })
})
