// Builds the console: src/inspector/console becomes one script and one style in dist/console.
//
// The server puts both texts into one page (src/server/consolePage.ts). The layout engine is a script of its own, which the
// page starts in a worker when a view needs it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { build } from "vite"
import { layoutOf } from "./statechart.mjs"

const root = fileURLToPath(new URL("../src/inspector/console", import.meta.url))
const out = new URL("../dist/console/", import.meta.url)
const { jobMachine } = await import("../dist/machines/job.machine.js")
const statechart = JSON.stringify(await layoutOf(jobMachine))

const { output } = await build({
  root,
  configFile: false,
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { __STATECHART__: statechart },
  build: {
    write: false,
    target: "es2022",
    minify: true,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      input: `${root}/main.tsx`,
      output: { format: "iife", codeSplitting: false }
    }
  }
})

const script = output.find(({ type }) => type === "chunk").code
const style = String(output.find(({ fileName }) => fileName.endsWith(".css")).source)
const layout = readFileSync(createRequire(import.meta.url).resolve("elkjs/lib/elk-worker.min.js"), "utf8")

// Where the package runs from its sources, the server reads these files.
mkdirSync(out, { recursive: true })
writeFileSync(new URL("console.js", out), script)
writeFileSync(new URL("console.css", out), style)
writeFileSync(new URL("layout.js", out), layout)

// The compiled server has the texts in modules. The lines that their maps named are gone.
const server = new URL("../dist/src/server/", import.meta.url)
const texts = JSON.stringify({ script, style })
writeFileSync(new URL("consoleTexts.js", server), `const texts = ${texts}\nexport const consoleTexts = () => texts\n`)
writeFileSync(
  new URL("consoleLayout.js", server),
  `const layout = ${JSON.stringify(layout)}\nexport const consoleLayout = () => layout\n`
)
for (const name of ["consoleTexts", "consoleLayout"]) rmSync(new URL(`${name}.js.map`, server), { force: true })
