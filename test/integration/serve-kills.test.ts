/**
 * A server over a durable store that is killed while clients start jobs: every job that was accepted is there and ends, and
 * asking again with a key doubles none. `SERVER_KILLS` asks for more kills.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { killServers } from "../support/server/kills.ts"

const kills = Number(process.env["SERVER_KILLS"] ?? 2)
const folder = mkdtempSync(join(tmpdir(), "converge-serve-kills-"))
afterAll(() => rmSync(folder, { recursive: true }))

describe("converge serve, killed under load", () => {
  it("has every job that it accepted, once, and ends it", { timeout: 60_000 + kills * 20_000 }, async () => {
    const report = await killServers({ folder, kills, seed: 1, clients: 6 })
    expect(report.complaints).toEqual([])
    expect(report.accepted).toBeGreaterThan(0)
    // It was busy when it was killed, and clients noticed.
    expect(report.cut).toBeGreaterThan(0)
    expect(report.retries).toBeGreaterThan(0)
  })
})
