// What moves on the audit's page: pan and zoom, search, a module's own imports, the filter of findings.
// Runs in the browser, inlined by reportHtml.ts; without it the page shows the same, standing still.
{
  const { modules, edges } = JSON.parse(document.querySelector("#graph").textContent)
  const svg = document.querySelector(".graph")
  const scene = svg.querySelector(".scene")
  const lit = svg.querySelector(".lit")
  const about = document.querySelector(".about")
  const chips = [...svg.querySelectorAll(".module")]
  const byIndex = new Map(chips.map((chip) => [Number(chip.dataset.i), chip]))
  const byPath = new Map(modules.map(([path], index) => [path, index]))
  const explanation = about.innerHTML
  const imports = modules.map(() => [])
  const importers = modules.map(() => [])
  for (const [from, to] of edges) {
    imports[from].push(to)
    importers[to].push(from)
  }

  // Pan and zoom: the scene moves inside the view box.
  let view = { x: 0, y: 0, scale: 1 }
  const show = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`)
  const toUser = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse())
    return { x: point.x, y: point.y }
  }
  const zoom = (factor, at) => {
    const scale = Math.min(12, Math.max(0.3, view.scale * factor))
    view = { scale, x: at.x - (at.x - view.x) * (scale / view.scale), y: at.y - (at.y - view.y) * (scale / view.scale) }
    show()
  }
  const middle = () => ({ x: svg.viewBox.baseVal.width / 2, y: svg.viewBox.baseVal.height / 2 })
  svg.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault()
      zoom(Math.exp(-event.deltaY * 0.0015), toUser(event))
    },
    { passive: false }
  )
  let dragged = null
  svg.addEventListener("pointerdown", (event) => {
    dragged = { ...toUser(event), view }
  })
  addEventListener("pointermove", (event) => {
    if (dragged === null) return
    const at = toUser(event)
    svg.classList.add("dragging")
    view = { ...view, x: dragged.view.x + at.x - dragged.x, y: dragged.view.y + at.y - dragged.y }
    show()
  })
  addEventListener("pointerup", () => {
    dragged = null
    svg.classList.remove("dragging")
  })
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const factor = Number(button.dataset.zoom)
      if (factor === 0) {
        view = { x: 0, y: 0, scale: 1 }
        show()
      } else zoom(factor, middle())
    })
  }

  // A module's own imports.
  let pinned = null
  const curve = (from, to, kind) => {
    const [, ax, ay, aw, ah] = modules[from]
    const [, bx, by, bw, bh] = modules[to]
    const [x1, y1, x2, y2] = [ax + aw / 2, ay + ah / 2, bx + bw / 2, by + bh / 2]
    const bend = (x2 - x1) / 2
    return `<path class="${kind}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`
  }
  const text = (value) => document.createTextNode(value)
  const focus = (index) => {
    for (const chip of chips) chip.classList.remove("on", "in", "out")
    svg.classList.toggle("focused", index !== null)
    lit.innerHTML = ""
    if (index === null) {
      about.innerHTML = explanation
      return
    }
    byIndex.get(index).classList.add("on")
    for (const to of imports[index]) byIndex.get(to).classList.add("out")
    for (const from of importers[index]) byIndex.get(from).classList.add("in")
    lit.innerHTML =
      importers[index].map((from) => curve(from, index, "in")).join("") +
      imports[index].map((to) => curve(index, to, "out")).join("")
    const name = document.createElement("b")
    name.append(modules[index][0])
    about.replaceChildren(
      name,
      text(` imports ${imports[index].length} modules, is imported by ${importers[index].length}`)
    )
  }
  for (const [index, chip] of byIndex) {
    chip.addEventListener("pointerenter", () => dragged === null && focus(index))
    chip.addEventListener("pointerleave", () => dragged === null && focus(pinned))
    chip.addEventListener("focus", () => focus(index))
    chip.addEventListener("blur", () => focus(pinned))
    chip.addEventListener("click", () => {
      pinned = pinned === index ? null : index
      focus(pinned)
    })
  }
  for (const link of document.querySelectorAll("[data-path]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault()
      const index = byPath.get(link.dataset.path)
      if (index === undefined) return
      pinned = index
      focus(index)
      document.querySelector(".map").scrollIntoView({ behavior: "smooth" })
    })
  }

  // Search and filters.
  document.querySelector("input[type=search]").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase()
    const matches = modules.flatMap(([path], index) =>
      wanted !== "" && path.toLowerCase().includes(wanted) ? [index] : []
    )
    for (const [index, chip] of byIndex) chip.classList.toggle("found", matches.includes(index))
    pinned = matches.length === 1 ? matches[0] : null
    focus(pinned)
    if (wanted !== "" && matches.length !== 1) about.textContent = `${matches.length} modules match`
  })
  for (const box of document.querySelectorAll(".filters input")) {
    box.addEventListener("change", () => {
      for (const row of document.querySelectorAll(`tr[data-severity=${box.value}]`)) row.hidden = !box.checked
    })
  }
}
