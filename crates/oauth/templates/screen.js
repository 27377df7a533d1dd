// Comforts only: everything on the page works without this.
(function () {
  var form = document.forms[0], sent = false;
  form.addEventListener('submit', function (event) {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    var button = event.submitter;
    if (button) setTimeout(function () { button.classList.add('busy'); button.setAttribute('aria-busy', 'true'); }, 300);
  });
  // Back in the browser's cache: the form is fresh again.
  window.addEventListener('pageshow', function () {
    sent = false;
    form.querySelectorAll('.busy').forEach(function (b) { b.classList.remove('busy'); b.removeAttribute('aria-busy'); });
  });
  form.querySelectorAll('.reveal').forEach(function (button) {
    var input = document.getElementById(button.getAttribute('aria-controls'));
    var caps = input.closest('.field').querySelector('.caps');
    button.hidden = false;
    button.addEventListener('click', function () {
      var show = input.type === 'password';
      input.type = show ? 'text' : 'password';
      button.setAttribute('aria-pressed', show);
      button.textContent = show ? button.dataset.hide : button.dataset.show;
      input.focus();
    });
    input.addEventListener('keyup', function (event) {
      var on = event.getModifierState && event.getModifierState('CapsLock');
      caps.textContent = on ? caps.dataset.text : '';
    });
  });
  form.querySelectorAll('[data-code]').forEach(function (input) {
    input.addEventListener('input', function () {
      var digits = input.value.replace(/\D/g, ''), wanted = Number(form.elements.code_length.value);
      if (digits.length === wanted && !sent) { input.value = digits; form.requestSubmit(form.querySelector('.primary')); }
    });
  });
  form.querySelectorAll('[data-wait]').forEach(function (button) {
    var left = Number(button.dataset.wait), wait = document.getElementById('wait');
    function tick() {
      button.hidden = left > 0;
      wait.textContent = left > 0 ? button.dataset.text.replace('{seconds}', left) : '';
      if (left-- > 0) setTimeout(tick, 1000);
    }
    tick();
  });
})();
