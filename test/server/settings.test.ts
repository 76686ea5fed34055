/** Settings of a server: what is taken, and what is refused because it could not work. */
import { connect } from "node:net"
import { describe, expect, it } from "vitest"
import { readSettings, type SettingName, settings } from "../../src/server/settings.ts"
import { serve } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"

const read = (name: SettingName, text: string) => readSettings({ [name]: text }, {})

describe("settings", () => {
  it.each([
    ["cors", "example.com"],
    ["cors", "https://a.example/"],
    ["cors", "https://a.example/path"],
    ["cors", "https://A.example"],
    ["cors", "https://a.example,"],
    ["cors", "*"],
    ["cors", "null"],
    ["tokens", "ünïcode"],
    ["tokens", "two words"],
    ["tokens", "a,,b"],
    ["tokens", ""],
    ["drainMs", "9999999999"],
    ["drainMs", "86400001"],
    ["drainMs", "25 hours"],
    ["drainMs", "-1"],
    ["drainMs", ""],
    ["drainMs", "s"],
    ["drainMs", "10x"],
    ["drainMs", "10s5"],
    ["drainMs", "1h-30m"],
    ["drainMs", "Infinity"],
    ["drainMs", "1s".repeat(60)],
    ["heartbeatMs", "0"],
    ["heartbeatMs", "9 millis"]
  ] as const)("%s %s: refused", (name, text) => {
    const { complaints, values } = read(name, text)
    expect(complaints).toEqual([expect.stringMatching(/^--[a-z-]+ takes /)])
    if (text.length > 3) expect(complaints[0]).not.toContain(text)
    expect(values).toEqual({})
  })

  it.each([
    ["cors", "https://a.example", ["https://a.example"]],
    ["cors", "http://localhost:3000, http://[::1]:8080", ["http://localhost:3000", "http://[::1]:8080"]],
    ["cors", "chrome-extension://abcdef", ["chrome-extension://abcdef"]],
    ["tokens", "one, t~w.o+/=", ["one", "t~w.o+/="]],
    ["drainMs", "0", 0],
    ["drainMs", "86400000", 86_400_000],
    ["drainMs", "24 hours", 86_400_000],
    ["heartbeatMs", "1 second", 1_000],
    ["drainMs", "10s", 10_000],
    ["drainMs", "500ms", 500],
    ["drainMs", "5m", 300_000],
    ["drainMs", "1h30m", 5_400_000],
    ["drainMs", "1h 30m", 5_400_000],
    ["drainMs", "1.5h", 5_400_000],
    ["drainMs", "10 seconds", 10_000],
    ["drainMs", "2 Minutes 5 SEC", 125_000],
    ["drainMs", "1d", 86_400_000],
    ["heartbeatMs", "20 millis", 20],
    ["heartbeatMs", "50000 micros", 50],
    ["host", "[::1]", "::1"],
    ["host", "localhost", "localhost"]
  ] as const)("%s %s: taken", (name, text, value) => {
    expect(read(name, text)).toEqual({ values: { [name]: value }, complaints: [] })
  })

  it("say in which form a time is taken, and its default, shortly", () => {
    expect(readSettings({}, { CONVERGE_DRAIN: "soon" }).complaints).toEqual([
      "CONVERGE_DRAIN takes a time such as 500ms, 10s, 5m or 1h30m, or milliseconds, from 0ms to 1d"
    ])
    expect([settings.drainMs.fallback, settings.heartbeatMs.fallback]).toEqual(["5s", "15s"])
  })

  it("are refused in code, too", async () => {
    const options = { programs: [count], cors: ["https://a.example/"], tokens: ["é"], heartbeatMs: 0, drainMs: 1e9 }
    const refused = serve(options).then((running) => running.stop())
    await expect(refused).rejects.toThrow(/tokens takes .*; cors takes .*; heartbeatMs takes .*; drainMs takes /)
  })

  it("an address in brackets is listened on", async () => {
    const hasIt = await new Promise<boolean>((resolve) => {
      const socket = connect(1, "::1")
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"))
    })
    if (!hasIt) return
    const running = await serve({ programs: [count], host: "[::1]" })
    expect(running.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await running.fetch("/health")).status).toBe(200)
    await running.stop()
  })
})
