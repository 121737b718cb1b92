// Shows a case while it changes: replaces its part of the page by what the desk
// sends. Without this file the page says the same after it is loaded again.
'use strict';

const live = document.getElementById('live');
if (live && 'EventSource' in window) {
  const link = document.getElementById('link');
  const said = document.getElementById('said');
  const tell = (word) => { link.textContent = link.dataset[word]; };
  const source = new EventSource(live.dataset.events);

  source.addEventListener('open', () => tell('live'));
  source.addEventListener('error', () => tell(source.readyState === EventSource.CLOSED ? 'ended' : 'lost'));
  source.addEventListener('end', () => { source.close(); tell('ended'); });
  source.addEventListener('case', (event) => {
    const part = new DOMParser().parseFromString(event.data, 'text/html').body;
    const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    live.replaceChildren(...part.childNodes);
    if (focused !== null) {
      const again = [...live.querySelectorAll('a')].find((a) => a.getAttribute('href') === focused);
      if (again) again.focus();
    }
    said.textContent = live.querySelector('[data-say]').dataset.say;
  });
}
