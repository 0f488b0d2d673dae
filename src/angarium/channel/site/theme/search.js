/* Search without a server: loads only the parts of the index that the words asked for are in, the latest period first.
   Scripts rather than requests, since a page on a stick may load those and nothing else. Asks nobody, keeps nothing. */
"use strict";
(function () {
  const page = document.getElementById("found");
  const query = new URLSearchParams(location.search).get("q") || "";
  document.querySelectorAll("input[name=q]").forEach((field) => { field.value = query; });
  const SHOWN = 20, PERIOD = Number(page.dataset.period), BLOCK = Number(page.dataset.block);
  const alike = { "ي": "ی", "ك": "ک", "ى": "ی", "ة": "ه", "\u06d5": "ه" };
  const digit = (sign) => String(sign.charCodeAt(0) & 15);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[يكىة\u06d5]/g, (sign) => alike[sign]).replace(/[٠-٩۰-۹]/g, digit);
  const asked = [...new Set((plain(query).match(/[\p{L}\p{N}]+/gu) || []).map((word) => [...word].slice(0, 30).join("")))].slice(0, 8);
  const name = (prefix) => [...prefix].map((sign) => sign.codePointAt(0).toString(16)).join("-");

  let taken = null;
  const take = (value) => { taken = value; };
  window.angarium = { leaf: take, titles: take, period: take };
  const loaded = new Map();
  let last = Promise.resolve();
  const load = (path) => {
    if (!loaded.has(path)) {
      last = last.then(() => new Promise((done) => {
        const script = document.createElement("script");
        taken = null;
        script.onload = script.onerror = () => { script.remove(); done(taken || []); };
        script.src = path;
        document.head.append(script);
      }));
      loaded.set(path, last);
    }
    return loaded.get(path);
  };

  const numbers = (text) => {
    let at = 0;
    return text.split(" ").map((step) => (at += parseInt(step, 36)));
  };
  /* All posts of a period with a word that begins so. */
  const withWord = async (period, names, word) => {
    let longest = "";
    for (const each of names) if (word.startsWith(each) && each.length > longest.length) longest = each;
    const wanted = names.filter((each) => each === longest || each.startsWith(word)).slice(0, 12);
    const posts = new Set();
    for (const each of wanted) {
      for (const [found, spread] of await load(`${period}/${name(each)}.js`)) {
        if (found.startsWith(word)) for (const number of numbers(spread)) posts.add(number + period * PERIOD);
      }
    }
    return posts;
  };
  const inPeriod = async (period) => {
    const names = await load(`${period}/list.js`);
    let posts = null;
    for (const word of asked) {
      const found = await withWord(period, names, word);
      posts = posts === null ? found : new Set([...posts].filter((number) => found.has(number)));
      if (posts.size === 0) break;
    }
    return [...posts].sort((one, other) => other - one);
  };
  const item = async (number) => {
    const period = Math.floor(number / PERIOD), block = Math.floor(number / BLOCK);
    const [, title, day] = (await load(`${period}/titles-${block}.js`)).find((each) => each[0] === number) || [0, String(number), ""];
    const entry = document.createElement("li"), link = document.createElement("a"), when = document.createElement("span");
    link.href = `../post/${block}/${number}.html`;
    link.textContent = title;
    link.dir = "auto";
    when.textContent = day;
    when.className = "meta";
    entry.append(link, " ", when);
    return entry;
  };

  const run = async () => {
    const list = document.createElement("ol"), more = document.createElement("button"), status = page.querySelector("[role=status]");
    const periods = page.dataset.periods.split(" ").filter(Boolean).map(Number);
    let waiting = [], shown = 0;
    const go = async () => {
      more.hidden = true;
      status.textContent = page.dataset.busy;
      const until = shown + SHOWN;
      while (shown < until) {
        if (waiting.length === 0) {
          if (periods.length === 0) break;
          waiting = await inPeriod(periods.shift());
          continue;
        }
        list.append(await item(waiting.shift()));
        shown += 1;
      }
      status.textContent = shown ? "" : page.dataset.none;
      more.hidden = waiting.length === 0 && periods.length === 0;
    };
    more.type = "button";
    more.textContent = page.dataset.more;
    more.addEventListener("click", go);
    page.append(list, more);
    await go();
  };
  if (asked.length) run();
})();
