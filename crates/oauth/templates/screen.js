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
  // The rules of a new password and its meter follow what is typed.
  form.querySelectorAll('[data-policy]').forEach(function (policy) {
    var input = document.getElementById(policy.dataset.policy), list = policy.querySelector('[data-held]');
    var strength = policy.querySelector('.strength'), meter = policy.querySelector('.meter'), said = policy.querySelector('.said');
    var names = ['weak', 'weak', 'fair', 'good', 'strong'];
    var tests = {
      nonEmpty: function (p) { return p.length > 0; },
      lengthAtLeast: function (p, count) { return Array.from(p).length >= count; },
      lengthAtMost: function (p, count) { return new TextEncoder().encode(p).length <= count; },
      lowerCase: function (p) { return /[a-z]/.test(p); },
      upperCase: function (p) { return /[A-Z]/.test(p); },
      numbers: function (p) { return /[0-9]/.test(p); },
      specialCharacters: function (p) { return /[^a-zA-Z0-9]/.test(p); },
      identicalChars: function (p) { return !/(.)\1\1/su.test(p); }
    };
    function judge(item, password) {
      var parts = Array.from(item.querySelectorAll('li')), rule = item.dataset.rule, count = Number(item.dataset.count);
      var held = parts.filter(function (part) { return judge(part, password); }).length;
      var holds = parts.length ? held >= (rule === 'containsAtLeast' ? count : parts.length) : tests[rule](password, count);
      item.className = holds && password ? 'held' : '';
      item.querySelector('.unseen').textContent = password ? (holds ? list.dataset.held : list.dataset.missing) : '';
      return holds;
    }
    function score(password) {
      var kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter(function (kind) { return kind.test(password); }).length;
      var bits = new Set(password.toLowerCase()).size * (2 + kinds);
      return bits < 28 ? 1 : bits < 48 ? 2 : bits < 70 ? 3 : 4;
    }
    input.addEventListener('input', function () {
      var password = input.value;
      var all = Array.from(list.children).map(function (item) { return judge(item, password); }).every(Boolean);
      var reached = password ? (all ? score(password) : 1) : 0;
      strength.hidden = false;
      meter.className = 'meter s' + reached;
      Array.from(meter.children).forEach(function (bar, at) { bar.className = at < reached ? 'on' : ''; });
      said.children[0].textContent = reached ? said.dataset.lead : '';
      said.children[1].textContent = reached ? strength.dataset[names[reached]] : '';
    });
    // Its place is kept from the start: nothing moves when typing begins.
    strength.hidden = false;
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
