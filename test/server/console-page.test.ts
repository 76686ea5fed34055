/** The document of the console: what its policy lets a browser run, and the layout engine that it may fetch. */
import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Running, serve } from "../support/server/harness.ts"
import { inline } from "../support/server/programs.ts"

let running: Running
let html: string
let policy: string

beforeAll(async () => {
  running = await serve({ programs: inline, tokens: ["secret"] })
  // Without a token.
  const response = await fetch(`${running.url}/inspector`)
  expect(response.status).toBe(200)
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8")
  html = await response.text()
  policy = response.headers.get("content-security-policy") ?? ""
})
afterAll(() => running.stop())

const hashOf = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`

const partOf = (pattern: RegExp): string => pattern.exec(html)?.[1] ?? ""

describe("the document of the console", () => {
  it("runs its own script and no other, and starts workers from scripts of its server only", () => {
    expect(policy).toContain(`script-src '${hashOf(partOf(/<script>(.*)<\/script>/s))}';`)
    expect(policy).toContain("worker-src 'self';")
    expect(policy).toContain(`style-src '${hashOf(partOf(/<style>(.*?)<\/style>/s))}';`)
    for (const rule of ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toContain("unsafe")
  })

  it("has no handler in its markup, no address of another host, and one script that ends once", () => {
    const markup = html.replace(/<script>.*<\/script>/s, "").replace(/<style>.*?<\/style>/s, "")
    expect(markup).not.toMatch(/\bon\w+=|\bsrc=|\bhref=|https?:/)
    expect(html.match(/<\/script/g)).toHaveLength(1)
    expect(partOf(/<style>(.*?)<\/style>/s)).not.toMatch(/url\(|@import/)
    expect(partOf(/<script>(.*)<\/script>/s)).not.toMatch(/\beval\(|new Function\(|document\.write/)
  })

  it("may start the layout engine, which may load and ask nothing", async () => {
    const response = await fetch(`${running.url}/inspector/layout.js`)
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8")
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'")
    expect((await response.text()).length).toBeGreaterThan(1_000_000)
    const tag = response.headers.get("etag") ?? ""
    const again = await fetch(`${running.url}/inspector/layout.js`, { headers: { "if-none-match": tag } })
    expect(again.status).toBe(304)
  })
})
