/**
 * A real browser for tests: the one that CHROME_PATH names, the one in a development dependency, or one on the path.
 *
 * The dependency carries Chromium without windows, and the libraries that a small system lacks: `npm test` needs no step by hand,
 * and such a page costs half as much as that of a whole Chromium. A machine on which none of them starts says so, and which were
 * tried. Boundary: finds and starts; tests drive the page.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { delimiter, dirname, join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import { type Browser, chromium, type Page } from "playwright-core"
import { projectRoot } from "../support/node.ts"

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

/** Unpacks the dependency's browser into a folder, which appears when it is whole. */
const unpackInto = (folder: string, packed: string): void => {
  mkdirSync(dirname(folder), { recursive: true })
  const made = mkdtempSync(`${folder}-`)
  writeFileSync(join(made, "chromium"), brotliDecompressSync(readFileSync(join(packed, "chromium.br"))), {
    mode: 0o755
  })
  for (const archive of ["al2023", "fonts", "swiftshader"]) {
    const tar = join(made, `${archive}.tar`)
    writeFileSync(tar, brotliDecompressSync(readFileSync(join(packed, `${archive}.tar.br`))))
    spawnSync("tar", ["-xf", tar, "-C", made])
    rmSync(tar)
  }
  try {
    renameSync(made, folder)
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    // Another process may have been sooner.
    if (!existsSync(folder)) throw error
  }
}

/** The dependency's browser, which is unpacked once for an install. It is one for Linux. */
const unpacked = (): Found | undefined => {
  if (process.platform !== "linux") return undefined
  const require = createRequire(import.meta.url)
  const home = join(dirname(require.resolve("@sparticuz/chromium")), "..")
  const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { readonly version: string }
  const folder = join(projectRoot, "node_modules/.cache", `chromium-${version}`)
  if (!existsSync(folder)) unpackInto(folder, join(home, "bin"))
  const env = { LD_LIBRARY_PATH: join(folder, "al2023/lib"), FONTCONFIG_PATH: join(folder, "fonts") }
  return { path: join(folder, "chromium"), env }
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
  const ways = [() => (named === undefined ? undefined : { path: named, env: {} }), unpacked, onPath]
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
