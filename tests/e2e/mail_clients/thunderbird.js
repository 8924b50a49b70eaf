// Run inside Thunderbird, with its privileges and the door as arguments[0]. Returns the text of the message that was
// read, or nothing once one is sent.
const door = arguments[0];
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const SOCKET = { off: Ci.nsMsgSocketType.plain, starttls: Ci.nsMsgSocketType.alwaysSTARTTLS,
                 implicit: Ci.nsMsgSocketType.SSL };
const SCHEME = { imap: "imap", pop3: "mailbox", smtp: "smtp" };

function trust(certificate) {
  const base64 = certificate.split("-----")[2].replace(/\s/g, "");
  Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(base64, "CT,,");
}

async function remember(user, password) {
  const origin = `${SCHEME[door.protocol]}://${door.host}`;
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init(origin, null, origin, user, password, "", "");
  await Services.logins.addLoginAsync(login);
}

function setUp(server) {
  server.port = door.port;
  server.socketType = SOCKET[door.tls];
  server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
}

// An account with that server; without an identity IMAP refuses to work.
function account(server) {
  const identity = MailServices.accounts.createIdentity();
  identity.email = door.mailbox;
  identity.doFcc = false;
  const made = MailServices.accounts.createAccount();
  made.addIdentity(identity);
  made.incomingServer = server;
  return made;
}

function incoming() {
  const server = MailServices.accounts.createIncomingServer(door.user, door.host, door.protocol);
  setUp(server);
  account(server);
  return server;
}

// What has come to an end, or the error it ended with.
function ended(start) {
  return new Promise((resolve, reject) => {
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgSendListener"]),
      OnStartRunningUrl() {},
      OnStopRunningUrl(url, status) { Components.isSuccessCode(status) ? resolve() : reject(failure(status)); },
      onStartSending() {},
      onStopSending(id, status) { Components.isSuccessCode(status) ? resolve() : reject(failure(status)); },
      onProgress() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {}, onSendNotPerformed() {},
      onTransportSecurityError(id, status) { reject(failure(status)); },
    };
    start(listener);
  });
}

function failure(status) {
  return new Error(`it ended with 0x${status.toString(16)}`);
}

// The message, as soon as it is in a folder: where it is fetched, that may be after the fetch has ended.
function arrived() {
  return new Promise((resolve) => {
    const listener = { msgAdded(header) { if (header.subject === door.subject) resolve(header); } };
    MailServices.mfn.addListener(listener, MailServices.mfn.msgAdded);
  });
}

function text(header) {
  const uri = header.folder.getUriForMsg(header);
  return new Promise((resolve, reject) => {
    let read = "";
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        const input = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
        input.init(stream);
        read += input.readBytes(count);
      },
      onStopRequest(request, status) { Components.isSuccessCode(status) ? resolve(read) : reject(failure(status)); },
    };
    MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, "");
  });
}

async function read() {
  const server = incoming();
  const inbox = server.rootMsgFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
  const message = arrived();
  if (door.protocol === "imap") {
    // Else it creates a Trash meanwhile, and where there is one the server's NO ends the fetch.
    server.QueryInterface(Ci.nsIImapIncomingServer).deleteModel = Ci.nsMsgImapDeleteModels.DeleteNoTrash;
    inbox.QueryInterface(Ci.nsIMsgImapMailFolder);
    await ended((listener) => inbox.updateFolderWithListener(null, listener));
  } else {
    server.QueryInterface(Ci.nsIPop3IncomingServer).leaveMessagesOnServer = true;
    await ended((listener) => MailServices.pop3.GetNewMail(null, listener, inbox, server));
  }
  return text(await message);
}

async function send() {
  const server = MailServices.outgoingServer.createServer("smtp");
  setUp(server.QueryInterface(Ci.nsISmtpServer));
  server.hostname = door.host;
  server.username = door.user;
  const { key, defaultIdentity } = account(MailServices.accounts.createIncomingServer("nobody", "Local", "none"));
  defaultIdentity.smtpServerKey = server.key;
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
  Object.assign(fields, { from: door.mailbox, to: door.mailbox, subject: door.subject });
  const message = Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend);
  await ended((listener) =>
    message.createAndSendMessage(null, defaultIdentity, key, fields, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null,
                                 "text/plain", "A line\r\n", null, null, listener, "", "",
                                 Ci.nsIMsgCompType.New));
}

return (async () => {
  trust(door.certificate);
  await remember(door.user, door.password);
  return door.protocol === "smtp" ? send() : read();
})();
