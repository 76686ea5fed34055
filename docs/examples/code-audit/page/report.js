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
  const screenScale = svg.getScreenCTM().a
  // The largest graph can be looked at closely enough to read.
  const scaleMax = Math.max(12, 2.5 / screenScale)
  const show = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`)
  const toUser = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse())
    return { x: point.x, y: point.y }
  }
  const zoom = (factor, at) => {
    const scale = Math.min(scaleMax, Math.max(0.3, view.scale * factor))
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

  // On a telephone the whole graph is too small to read: begin at the first module, in a size for names.
  if (modules.length > 0 && svg.clientWidth < 600 && screenScale < 0.7) {
    const [, x, y, width, height] = modules[0]
    zoom(0.8 / screenScale, { x: x + width / 2, y: y + height / 2 })
    const [shownWidth, shownHeight] = [svg.clientWidth / screenScale, svg.clientHeight / screenScale]
    const corner = { x: middle().x - shownWidth / 2, y: middle().y - shownHeight / 2 }
    // In the middle, but with no empty space above the picture.
    const top = corner.y + Math.min(shownHeight / 2 - y * view.scale, 20)
    view = { ...view, x: corner.x + 20 - x * view.scale, y: top }
    show()
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
  const light = (index, kind) => {
    const chip = byIndex.get(index).cloneNode(true)
    chip.removeAttribute("tabindex")
    chip.classList.add(kind)
    lit.append(chip)
  }
  const text = (value) => document.createTextNode(value)
  const counted = (count) => `${count} ${count === 1 ? "module" : "modules"}`
  const focus = (index) => {
    svg.classList.toggle("focused", index !== null)
    lit.innerHTML = ""
    if (index === null) {
      about.innerHTML = explanation
      return
    }
    // The rest fades as one layer; the modules in question are drawn once more above it. So the cost is theirs alone.
    lit.innerHTML =
      importers[index].map((from) => curve(from, index, "in")).join("") +
      imports[index].map((to) => curve(index, to, "out")).join("")
    for (const from of importers[index]) light(from, "in")
    for (const to of imports[index]) light(to, "out")
    light(index, "on")
    const name = document.createElement("b")
    name.append(modules[index][0])
    about.replaceChildren(
      name,
      text(` imports ${counted(imports[index].length)}, is imported by ${importers[index].length}`)
    )
  }
  // One listener for all modules, and one for all links: there may be thousands.
  const indexAt = (event) => {
    const chip = event.target.closest?.(".modules .module")
    return chip ? Number(chip.dataset.i) : null
  }
  const layer = svg.querySelector(".modules")
  layer.addEventListener("pointerover", (event) => dragged === null && focus(indexAt(event) ?? pinned))
  layer.addEventListener("pointerout", () => dragged === null && focus(pinned))
  layer.addEventListener("focusin", (event) => focus(indexAt(event) ?? pinned))
  layer.addEventListener("focusout", () => focus(pinned))
  layer.addEventListener("click", (event) => {
    const index = indexAt(event)
    pinned = pinned === index ? null : index
    focus(pinned)
  })
  document.querySelector("main").addEventListener("click", (event) => {
    const link = event.target.closest("[data-path]")
    if (link === null) return
    event.preventDefault()
    const index = byPath.get(link.dataset.path)
    if (index === undefined) return
    pinned = index
    focus(index)
    document.querySelector(".map").scrollIntoView({ behavior: "smooth" })
  })

  // Search and filters.
  document.querySelector(".names").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase()
    const matches = new Set(
      modules.flatMap(([path], index) => (wanted !== "" && path.toLowerCase().includes(wanted) ? [index] : []))
    )
    for (const [index, chip] of byIndex) chip.classList.toggle("found", matches.has(index))
    pinned = matches.size === 1 ? [...matches][0] : null
    focus(pinned)
    if (wanted !== "" && matches.size !== 1) about.textContent = `${matches.size} modules match`
  })

  // Findings: by severity and by words, the first few hundred at once.
  const step = 200
  const table = document.querySelector(".list")
  if (table !== null) {
    const rows = [...table.querySelectorAll("tbody tr")].map((row) => ({ row, words: row.textContent.toLowerCase() }))
    const boxes = [...document.querySelectorAll(".filters input")]
    const words = document.querySelector(".words")
    const more = document.createElement("button")
    more.className = "more"
    table.after(more)
    let limit = step
    const list = () => {
      const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value))
      const wanted = words.value.trim().toLowerCase()
      let count = 0
      for (const { row, words: said } of rows) {
        const fits = severities.has(row.dataset.severity) && (wanted === "" || said.includes(wanted))
        const hidden = !fits || ++count > limit
        if (row.hidden !== hidden) row.hidden = hidden
      }
      more.hidden = count <= limit
      const rest = count - limit
      more.textContent = `Show ${Math.min(step, rest)} of ${rest.toLocaleString("en-US")} more`
    }
    const anew = () => {
      limit = step
      list()
    }
    for (const box of boxes) box.addEventListener("change", anew)
    words.addEventListener("input", anew)
    more.addEventListener("click", () => {
      limit += step
      list()
    })
    list()
  }
}
