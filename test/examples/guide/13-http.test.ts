/** The example of chapter 13 of the guide: a server in a process of its own, and a client of it here. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ask } from "../../../docs/examples/guide/13-http/client.ts"
import { projectRoot } from "../../support/node.ts"

describe("a server of jobs", () => {
  const folder = mkdtempSync(join(tmpdir(), "guide-"))
  let child: ChildProcess
  let exited: Promise<number | null>
  let url = ""

  beforeAll(async () => {
    child = spawn(process.execPath, [join(projectRoot, "docs/examples/guide/13-http/server.ts")], {
      env: { ...process.env, NODE_OPTIONS: "", PORT: "0", STORE: join(folder, "jobs.db") },
      stdio: ["ignore", "pipe", "pipe"]
    })
    exited = new Promise((resolve) => child.on("close", resolve))
    url = await new Promise((resolve, reject) => {
      let said = ""
      const hear = (chunk: Buffer) => {
        said += chunk.toString()
        const found = /http:\/\/[\w.:]+\d/.exec(said)?.[0]
        if (found !== undefined) resolve(found)
      }
      child.stdout?.on("data", hear)
      child.stderr?.on("data", hear)
      child.on("close", () => reject(new Error(`it ended: ${said}`)))
    })
  })

  afterAll(async () => {
    child.kill("SIGTERM")
    expect(await exited).toBe(130)
    rmSync(folder, { recursive: true })
  })

  it("gives a typed client the output, and the same job for the same id", async () => {
    const asked = Effect.provide(ask(url), NodeHttpClient.layerUndici)
    expect(await Effect.runPromise(asked)).toEqual({ to: 2, ends: 1 })
    expect(await Effect.runPromise(asked)).toEqual({ to: 2, ends: 1 })
    const jobs = (await (await fetch(`${url}/api/v1/jobs`)).json()) as { readonly jobs: ReadonlyArray<unknown> }
    expect(jobs.jobs).toMatchObject([{ jobId: "hamlet", program: "concordance", state: "converged" }])
  })

  it("gives everybody the JSON Schemas of the program, and problems that say what is wrong", async () => {
    const programs = await (await fetch(`${url}/api/v1/programs`)).json()
    expect(programs).toMatchObject({ programs: [{ name: "concordance", output: { type: "object" } }] })
    const response = await fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ program: "concordance", input: { texts: ["to be"] } })
    })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { type: "urn:effect-converge:InvalidInput", detail: expect.stringContaining("texts") }
    ])
  })
})
