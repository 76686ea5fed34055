/** Handlers that a module exports perform the intents of its programs, in each command that runs jobs. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/converge.ts"

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

  it("are refused if two are of one kind", async () => {
    const { code, stderr } = await converge(["run", module("handledTwice"), "-q"])
    expect(code).toBe(64)
    expect(stderr).toContain('there are two handlers of the intents "Tell"')
  })
})
