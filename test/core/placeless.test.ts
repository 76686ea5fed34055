/** Messages about a module, as clients get them, name no folder of the machine. */
import { describe, expect, it } from "vitest"
import { placeless } from "../../src/values/placeless.ts"

describe("a text without places", () => {
  it.each([
    ["cannot open '/srv/app/lib/data.json'", "cannot open 'data.json'"],
    ["imported from file:///srv/app/main.ts?x=1", "imported from main.ts?x=1"],
    ["/srv/app/main.ts:3:1 - Unexpected token", "main.ts:3:1 - Unexpected token"],
    ["C:\\app\\lib\\main.ts is no module", "main.ts is no module"],
    ["file:///C:/app/lib/main.ts", "main.ts"]
  ])("%s", (text, expected) => {
    expect(placeless(text)).toBe(expected)
  })

  it.each([
    "it is 1/2, and/or ./lib/data.json",
    "GET https://example.com/a/b/c failed",
    "'./b.js' does not provide an export named 'x'"
  ])("%s stays as it is", (text) => {
    expect(placeless(text)).toBe(text)
  })
})
