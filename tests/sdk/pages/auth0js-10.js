// An application with its own two forms around auth0.js: passwordlessStart, then passwordlessLogin. Or, with
// `plain`, one with a button and no forms: the tests say what it does.
import auth0 from 'auth0-js-10';
import { runApp } from './app.js';

const byId = (id) => document.getElementById(id);

runApp({
  auth0,
  start(app, options) {
    const webAuth = new auth0.WebAuth({
      domain: options.domain,
      clientID: options.clientId,
      redirectUri: options.redirectUri ?? window.location.origin + window.location.pathname,
      responseType: options.responseType ?? 'token id_token',
      audience: options.audience,
      scope: options.scope,
      ...options.login,
    });
    app.webAuth = webAuth;
    if (options.plain) {
      // In a pop-up this is the page to which the login comes back.
      if (window.opener) webAuth.popup.callback();
      document.body.insertAdjacentHTML('beforeend', '<button id="go">Go</button>');
      byId('go').addEventListener('click', () => app.go());
      return;
    }
    const report = (error, result) => {
      byId('message').textContent = error ? (error.description ?? error.code) : '';
      if (error) app.record('authorization_error', error);
      else if (result) app.record('authenticated', result);
    };

    document.body.insertAdjacentHTML(
      'beforeend',
      `<form id="start"><input name="phone" placeholder="phone number"><button>Send the code</button></form>
       <form id="verify" hidden><input name="code" placeholder="code"><button>Log in</button></form>
       <p id="message"></p>`,
    );
    let phoneNumber;
    byId('start').addEventListener('submit', (event) => {
      event.preventDefault();
      phoneNumber = event.target.elements.phone.value;
      webAuth.passwordlessStart({ connection: 'sms', send: 'code', phoneNumber }, (error) => {
        if (error) return report(error);
        byId('verify').hidden = false;
        return app.record('started');
      });
    });
    byId('verify').addEventListener('submit', (event) => {
      event.preventDefault();
      const verificationCode = event.target.elements.code.value;
      webAuth.passwordlessLogin(
        { connection: 'sms', phoneNumber, verificationCode, popup: !options.redirect },
        report,
      );
    });
    if (/access_token|error/.test(window.location.hash)) webAuth.parseHash(report);
  },
});
