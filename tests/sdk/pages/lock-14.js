import { Auth0Lock, Auth0LockPasswordless } from 'auth0-lock-14';
import auth0 from 'auth0-js-9';
import { lockPage } from './lock-page.js';

lockPage({ Auth0Lock, Auth0LockPasswordless, auth0 });
