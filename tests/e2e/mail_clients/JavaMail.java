// Jakarta's reference mail library, as Debian has it.
import java.util.Properties;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Store;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;

public class JavaMail {
  static String door(String name) {
    return System.getenv("DOOR_" + name);
  }

  public static void main(String[] arguments) throws Exception {
    final String protocol = door("PROTOCOL");
    final boolean implicit = door("TLS").equals("implicit");
    final String name = implicit ? protocol + "s" : protocol;
    final String prefix = "mail." + name + ".";
    final Properties properties = new Properties();
    properties.put(prefix + "auth", "true");
    properties.put(prefix + "starttls.enable", String.valueOf(door("TLS").equals("starttls")));
    properties.put(prefix + "starttls.required", String.valueOf(door("TLS").equals("starttls")));
    properties.put(prefix + "timeout", "30000");
    properties.put(prefix + "ssl.checkserveridentity", "true");
    if (!door("TLS").equals("off")) properties.put(prefix + "ssl.socketFactory", trusting(door("CA_FILE")));
    final Session session = Session.getInstance(properties);
    final int port = Integer.parseInt(door("PORT"));
    if (protocol.equals("smtp")) {
      final MimeMessage message =
          new MimeMessage(session, new java.io.ByteArrayInputStream(door("MESSAGE").getBytes("UTF-8")));
      try (Transport transport = session.getTransport(name)) {
        transport.connect(door("HOST"), port, door("USER"), door("PASSWORD"));
        transport.sendMessage(message, new InternetAddress[] {new InternetAddress(door("MAILBOX"))});
      }
      return;
    }
    try (Store store = session.getStore(name)) {
      store.connect(door("HOST"), port, door("USER"), door("PASSWORD"));
      final Folder inbox = store.getFolder("INBOX");
      inbox.open(Folder.READ_ONLY);
      for (Message message : inbox.getMessages()) message.writeTo(System.out);
      inbox.close(false);
    }
  }

  static javax.net.ssl.SSLSocketFactory trusting(String file) throws Exception {
    final java.security.KeyStore trust = java.security.KeyStore.getInstance(java.security.KeyStore.getDefaultType());
    trust.load(null, null);
    try (java.io.InputStream in = new java.io.FileInputStream(file)) {
      trust.setCertificateEntry(
          "ca", java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    final javax.net.ssl.TrustManagerFactory managers =
        javax.net.ssl.TrustManagerFactory.getInstance(javax.net.ssl.TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trust);
    final javax.net.ssl.SSLContext context = javax.net.ssl.SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context.getSocketFactory();
  }
}
