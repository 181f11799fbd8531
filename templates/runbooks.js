(() => {
  const { checks, messages } = JSON.parse(document.getElementById('index').textContent);
  const field = document.getElementById('search');
  const results = document.getElementById('results');
  const status = document.getElementById('status');
  const all = document.getElementById('all');
  const most = 20;

  // As `ssm-doctor explain` compares a text with what is known.
  const normal = (text) =>
    text.toLowerCase().replace(/["'`’‘“”「」]/g, '').split(/\s+/).filter(Boolean).join(' ');
  const occurs = (known, text) => {
    let at = 0;
    let length = 0;
    for (const piece of known.split('…').map((part) => part.trim())) {
      const found = text.indexOf(piece, at);
      if (found < 0) return 0;
      at = found + piece.length;
      length += piece.length;
    }
    return length;
  };

  // The causes of the messages that are in the text, or begin like it, the likeliest first.
  const causes = (text) => {
    const ranked = new Map();
    for (const message of messages) {
      const length = Math.max(...message.texts.map((known) => occurs(known, text)
        || (text.length > 5 && known.includes(text) ? text.length : 0)));
      if (!length) continue;
      // More than any length: the causes of a reason come first.
      const weight = message.aside ? 0.05 : message.reason ? 1000 : 1;
      message.causes.forEach((cause, place) => {
        const before = ranked.get(cause.what)?.points ?? 0;
        ranked.set(cause.what, { cause, points: before + (weight * length) / (place + 1) });
      });
    }
    return [...ranked.values()].sort((a, b) => b.points - a.points).map((row) => row.cause);
  };

  // The checks that have every word; one in the name or the title counts for more than one in the runbook.
  const matching = (text) => {
    const words = text.split(' ');
    const points = (check) => {
      let sum = 0;
      for (const word of words) {
        if (check.name.includes(word) || check.title.toLowerCase().includes(word)) sum += 5;
        else if (check.quotes.some((quote) => normal(quote).includes(word))) sum += 3;
        else if (check.words.includes(word)) sum += 1;
        else return 0;
      }
      return sum + (check.quotes.some((quote) => normal(quote).includes(text)) ? 10 : 0);
    };
    return checks.map((check) => ({ check, points: points(check) }))
      .filter((row) => row.points)
      .sort((a, b) => b.points - a.points)
      .map((row) => row.check);
  };

  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const link = (name, text) =>
    Object.assign(element('a', text), { href: `${name}/index.html` });

  const search = () => {
    const text = normal(field.value);
    results.replaceChildren();
    all.hidden = text !== '';
    if (text === '') {
      status.textContent = '';
      return;
    }
    for (const cause of causes(text).slice(0, most)) {
      const item = element('li', '');
      item.append(element('strong', cause.what), element('br', ''), `Sign: ${cause.sign}`);
      for (const name of cause.checks) item.append(element('br', ''), link(name, name));
      results.append(item);
    }
    for (const check of matching(text).slice(0, most)) {
      const item = element('li', '');
      item.append(link(check.name, check.title), element('br', ''), element('code', check.name));
      results.append(item);
    }
    const count = results.children.length;
    status.textContent = count === 1 ? '1 result' : `${count} results`;
  };

  // From the field into the results and back, as in a list of suggestions.
  const move = (step) => {
    const stops = [field, ...results.querySelectorAll('a')];
    const now = stops.indexOf(document.activeElement);
    if (now >= 0) stops[Math.min(Math.max(now + step, 0), stops.length - 1)].focus();
    return now >= 0;
  };
  field.addEventListener('input', search);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/' && document.activeElement !== field) field.focus();
    else if (event.key === 'ArrowDown' && move(1)) { /* moved */ }
    else if (event.key === 'ArrowUp' && move(-1)) { /* moved */ }
    else if (event.key === 'Escape') {
      field.value = '';
      search();
      field.focus();
    } else return;
    event.preventDefault();
  });
  search();
})();
