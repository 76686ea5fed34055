/** Handlers that a module exports perform the intents of its programs, in each command that runs jobs. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module, start } from "../support/cli/converge.ts"

vi.setConfig({ testTimeout: 60_000 })

const output = ["0 by the bank", "1 by the bank"]

describe("handlers that a module exports", () => {
  it("perform the intents of a run, of a fork and of a verification", async () => {
    const folder = mkdtempSync(join(tmpdir(), "converge-handlers-"))
    try {
      const store = ["--store", join(folder, "jobs.db"), "-w", "0", "-q"]
      const ran = await converge(["run", module("handled"), ...store, "--id", "a", "--json", "--strict"])
      expect(ran.code).toBe(0)
      expect(jsonOf(ran)).toMatchObject({ status: "converged", output, diagnostics: [] })
      const forked = await converge(["fork", module("handled"), "a", ...store, "--at", "0", "--json"])
      expect(jsonOf(forked)).toMatchObject({ status: "converged", output, diagnostics: [] })
      const verified = await converge(["verify", module("handled"), "-w", "0", "--shuffles", "1", "-q", "--arrivals"])
      expect(verified).toMatchObject({ code: 0 })
      expect(verified.stdout).not.toContain("NotPerformed")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("perform the intents of a job that is resumed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "converge-handlers-"))
    try {
      const file = join(folder, "jobs.db")
      const store = ["--store", file, "-w", "0", "-q"]
      const ran = await converge(["run", module("handled"), ...store, "--id", "a", "--json"])
      expect(ran.code).toBe(0)
      // As if the engine had died when the intents were committed: what came later is taken out of the file.
      const database = new DatabaseSync(file)
      database.exec(`DELETE FROM converge_rows WHERE cycle > 1; DELETE FROM converge_texts WHERE kind = 'end';
        UPDATE converge_jobs SET status = NULL, halted_at = NULL`)
      database.close()
      const shown = await converge(["show", "a", "--store", file, "--json"])
      expect(jsonOf(shown)).toMatchObject({ status: "unfinished" })
      const resumed = await converge(["resume", module("handled"), ...store, "--json", "--strict"])
      expect(resumed.code).toBe(0)
      expect(jsonOf(resumed)).toMatchObject({ jobId: "a", status: "converged", output, diagnostics: [] })
      expect(jsonOf(resumed)["hash"]).toBe(jsonOf(ran)["hash"])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("perform the intents of a server's jobs", async () => {
    const server = start(["serve", module("handled")], { environment: { CONVERGE_PORT: "0" } })
    let said = ""
    server.process.stderr?.on("data", (chunk: string) => (said += chunk))
    await server.says(/listening on http\S+,/)
    const url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
    const answer = await fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ program: "orders", input: { count: 2 } })
    })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: "converged", output, diagnostics: [] })
    server.process.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("are refused if two are of one kind", async () => {
    const { code, stderr } = await converge(["run", module("handledTwice"), "-q"])
    expect(code).toBe(64)
    expect(stderr).toContain('there are two handlers of the intents "Tell"')
  })
})
