/** `npm run bench:docs`: writes docs/benchmarks.md. With --check it writes nothing, and fails if the page is out of date. */
import { writePage } from "./framework/page.ts"

const isCheck = process.argv.includes("--check")
const isCurrent = await writePage(isCheck)
if (isCheck && !isCurrent) {
  console.error("docs/benchmarks.md is out of date: run npm run bench:docs")
  process.exitCode = 1
}
