/**
 * A real browser for tests: the one that CHROME_PATH names, one on the path, or the one in a development dependency.
 *
 * The dependency carries Chromium and the libraries that a small system lacks, so that `npm test` needs no step by hand. A machine on
 * which none of them starts says so, and which were tried. Boundary: finds and starts; tests drive the page.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import { type Browser, chromium, type Page } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

interface Found {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}

const onPath = (): Found | undefined => {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) if (existsSync(join(folder, name))) return { path: join(folder, name), env: {} }
  }
  return undefined
}

/** Unpacks the dependency's browser into a folder of this process. */
const unpacked = (): Found => {
  const require = createRequire(import.meta.url)
  const folder = join(dirname(require.resolve("@sparticuz/chromium")), "../bin")
  const to = mkdtempSync(join(tmpdir(), "chromium-"))
  process.once("exit", () => rmSync(to, { recursive: true, force: true }))
  const path = join(to, "chromium")
  writeFileSync(path, brotliDecompressSync(readFileSync(join(folder, "chromium.br"))), { mode: 0o755 })
  for (const archive of ["al2023", "fonts", "swiftshader"]) {
    const tar = join(to, `${archive}.tar`)
    writeFileSync(tar, brotliDecompressSync(readFileSync(join(folder, `${archive}.tar.br`))))
    spawnSync("tar", ["-xf", tar, "-C", to])
  }
  return { path, env: { LD_LIBRARY_PATH: join(to, "al2023/lib"), FONTCONFIG_PATH: join(to, "fonts") } }
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

/** Starts a browser. Fails with all that was tried if none starts. */
export const openBrowser = async (): Promise<Browser> => {
  const named = process.env["CHROME_PATH"]
  const tried: Array<string> = []
  const ways = [() => (named === undefined ? undefined : { path: named, env: {} }), onPath, unpacked]
  for (const way of ways) {
    try {
      const found = way()
      if (found === undefined) continue
      tried.push(found.path)
      const env = { ...process.env, ...found.env } as Record<string, string>
      return await chromium.launch({ executablePath: found.path, args: flags, env })
    } catch (error) {
      tried.push(String(error).slice(0, 500))
    }
  }
  throw new Error(`no browser starts here; install Chromium, or name one by CHROME_PATH. Tried:\n${tried.join("\n")}`)
}

/** The complaints of a page: errors on its console, throws, and requests to another origin. */
export interface Watched {
  readonly page: Page
  readonly complaints: Array<string>
}

/** A page that is watched for complaints. */
export const openPage = async (
  browser: Browser,
  url: string,
  options: { readonly width?: number; readonly height?: number; readonly theme?: "light" | "dark" } = {}
): Promise<Watched> => {
  const { height = 900, theme = "light", width = 1_280 } = options
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme })
  const complaints: Array<string> = []
  const { origin } = new URL(url)
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => void complaints.push(String(error)))
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`a request to ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}
