/* Behaviour of the report: draws charts when they come into view, switches language, theme and
   scheme, copies SQL. It loads nothing and knows no figure that is not in the page. */
(function () {
  'use strict';

  var payload = JSON.parse(document.getElementById('payload').textContent);
  var languages = Object.keys(payload.languages);
  var root = document.documentElement;
  var plots = Array.prototype.slice.call(document.querySelectorAll('.plot'));
  var drawn = new Set();
  var narrow = window.matchMedia('(max-width: 640px)');
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var FONT = 'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", ' +
    '"Noto Sans SC", "Noto Sans CJK SC", sans-serif';

  function remembered(name) {
    try { return window.localStorage.getItem('customer-value-' + name); } catch (error) { return null; }
  }

  function remember(name, value) {
    try { window.localStorage.setItem('customer-value-' + name, value); } catch (error) { return; }
  }

  /* Words become those of the language, names of colours (@blue) the colours of the theme. */
  function resolved(part) {
    if (Array.isArray(part)) { return part.map(resolved); }
    if (part !== null && typeof part === 'object') {
      var keys = Object.keys(part);
      if (keys.length === languages.length && languages.every(function (key) { return key in part; })) {
        return part[root.dataset.language];
      }
      var copy = {};
      keys.forEach(function (key) { copy[key] = resolved(part[key]); });
      return copy;
    }
    if (typeof part === 'string' && part.charAt(0) === '@') {
      return payload.themes[root.dataset.theme][part.slice(1)];
    }
    return part;
  }

  /* On a phone: smaller letters, legends in rows, and a finger scrolls the page, not the chart. */
  function fitted(figure) {
    var layout = figure.layout;
    layout.autosize = true;
    layout.font.family = FONT;
    if (!narrow.matches) { return figure; }
    layout.font.size = 11;
    layout.dragmode = false;
    layout.margin = Object.assign({}, layout.margin, { l: 4, r: 4 });
    if (layout.margin.t === 36) { layout.margin.t = 8; }
    Object.keys(layout).filter(function (key) { return /^[xy]axis/.test(key); })
      .forEach(function (key) {
        if (layout[key].tickfont) { layout[key].tickfont.size = 10; }
        if (layout[key].title && layout[key].title.font) { layout[key].title.font.size = 10; }
      });
    if (layout.showlegend) {
      layout.legend = Object.assign({}, layout.legend, {
        orientation: 'h', x: 0, xanchor: 'left', y: 1.01, yanchor: 'bottom', font: { size: 10 }
      });
      layout.height += 18 * Math.ceil(figure.data.length / 2);
    }
    figure.data.forEach(function (trace) {
      if (trace.colorbar) { trace.colorbar.thickness = 8; trace.colorbar.title.text = ''; }
      if (trace.textfont) { trace.textfont.size = 9; }
      if (trace.type === 'heatmap' && trace.x.length > 8) { trace.texttemplate = ''; }
      if (trace.colorbar && trace.type === 'heatmap') { trace.showscale = trace.texttemplate === ''; }
    });
    return figure;
  }

  function draw(plot) {
    var id = plot.parentElement.id;
    var figure = fitted(resolved(payload.figures[id]));
    drawn.add(plot);
    return window.Plotly.react(plot, figure.data, figure.layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: narrow.matches ? false : 'hover',
      scrollZoom: false,
      modeBarButtonsToRemove: ['lasso2d', 'select2d', 'autoScale2d'],
      toImageButtonOptions: { filename: id, scale: 2 }
    }).then(function () { plot.dataset.drawn = root.dataset.language + ' ' + root.dataset.theme; });
  }

  function isShown(plot) { return !plot.parentElement.hidden; }

  function redraw() { return Promise.all(Array.from(drawn).map(draw)); }

  function drawAll() {
    return Promise.all(plots.filter(function (plot) {
      return isShown(plot) && !drawn.has(plot);
    }).map(draw));
  }

  function setLanguage(language) {
    root.dataset.language = language;
    root.lang = payload.languages[language];
    document.title = payload.title[language];
    var other = languages[(languages.indexOf(language) + 1) % languages.length];
    var button = document.getElementById('language');
    button.textContent = { en: 'English', zh: '中文' }[other];
    button.lang = payload.languages[other];
  }

  function setTheme(theme) {
    root.dataset.theme = theme;
    document.getElementById('theme').setAttribute('aria-pressed', String(theme === 'dark'));
  }

  function setScheme(scheme) {
    document.querySelectorAll('.exhibit[data-scheme]').forEach(function (exhibit) {
      exhibit.hidden = exhibit.dataset.scheme !== scheme;
    });
    /* A hidden chart has no size: it is drawn anew when it is shown. */
    plots.forEach(function (plot) { if (!isShown(plot)) { drawn.delete(plot); } });
  }

  function copy(button) {
    var code = button.parentElement.querySelector('code');
    var selection = window.getSelection();
    var range = document.createRange();
    range.selectNodeContents(code);
    selection.removeAllRanges();
    selection.addRange(range);
    var done = function () {
      button.dataset.copied = 'yes';
      button.classList.add('done');
      window.setTimeout(function () { button.classList.remove('done'); }, 1500);
    };
    if (navigator.clipboard && navigator.clipboard.writeText) {
      navigator.clipboard.writeText(code.textContent).then(done, function () {
        if (document.execCommand('copy')) { done(); }
      });
    } else if (document.execCommand('copy')) {
      done();
    }
  }

  var preferred = remembered('language') ||
    (/^zh/i.test(navigator.language || '') ? 'zh' : 'en');
  setLanguage(languages.indexOf(preferred) < 0 ? languages[0] : preferred);
  setTheme(remembered('theme') || (dark.matches ? 'dark' : 'light'));
  var chosen = document.querySelector('input[name=scheme]:checked');
  if (chosen) { setScheme(chosen.value); }

  document.getElementById('language').addEventListener('click', function () {
    var next = languages[(languages.indexOf(root.dataset.language) + 1) % languages.length];
    setLanguage(next);
    remember('language', next);
    redraw();
  });
  document.getElementById('theme').addEventListener('click', function () {
    var next = root.dataset.theme === 'dark' ? 'light' : 'dark';
    setTheme(next);
    remember('theme', next);
    redraw();
  });
  dark.addEventListener('change', function () {
    if (!remembered('theme')) { setTheme(dark.matches ? 'dark' : 'light'); redraw(); }
  });
  narrow.addEventListener('change', redraw);
  document.querySelectorAll('input[name=scheme]').forEach(function (input) {
    input.addEventListener('change', function () { setScheme(input.value); });
  });
  document.querySelectorAll('.copy').forEach(function (button) {
    button.addEventListener('click', function () { copy(button); });
  });
  window.addEventListener('beforeprint', drawAll);

  plots.forEach(function (plot) { plot.style.minHeight = plot.dataset.height + 'px'; });
  if ('IntersectionObserver' in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting && !drawn.has(entry.target)) { draw(entry.target); }
      });
    }, { rootMargin: '400px 0px' });
    plots.forEach(function (plot) { observer.observe(plot); });
  } else {
    drawAll();
  }
  window.report = { drawAll: drawAll, redraw: redraw };
}());
