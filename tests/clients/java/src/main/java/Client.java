import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** HikariCP and pgjdbc, as Spring Boot configures them. What it does and prints: tests/clients/README.md. */
public final class Client {
    private static String variable(String name) {
        return System.getenv("CLIENT_" + name);
    }

    public static void main(String[] arguments) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(variable("URL"));
        config.setUsername(variable("USER"));
        config.setPassword(variable("PASSWORD"));
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(30_000);
        Path stop = Path.of(variable("STOP"));
        String name = variable("NAME");
        List<String> failed = new ArrayList<>();
        String restMs = variable("REST_MS");
        long rest = restMs == null ? 10 : Long.parseLong(restMs);
        long acknowledged = 0;
        long number = 0;
        double longest = 0;
        try (HikariDataSource pool = new HikariDataSource(config)) {
            while (!Files.exists(stop)) {
                number++;
                long began = System.nanoTime();
                try {
                    round(pool, name, number);
                    acknowledged++;
                } catch (SQLException | IllegalStateException error) {
                    failed.add(String.valueOf(error.getMessage()).lines().findFirst().orElse("?"));
                }
                longest = Math.max(longest, (System.nanoTime() - began) / 1e6);
                Thread.sleep(rest);
            }
        }
        StringBuilder list = new StringBuilder();
        for (String one : failed) {
            list.append(list.isEmpty() ? "" : ", ").append('"').append(one.replaceAll("[\"\\\\]", "'")).append('"');
        }
        System.out.printf(
            java.util.Locale.ROOT,
            "{\"acknowledged\": %d, \"failed\": [%s], \"longest_ms\": %.1f}%n", acknowledged, list, longest);
    }

    private static void round(HikariDataSource pool, String name, long number) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            run(connection, "INSERT INTO client_rows (client, n, value) VALUES (?, ?, 0)", name, number);
            connection.setAutoCommit(false);
            run(connection, "UPDATE client_rows SET value = value + 1 WHERE client = ? AND n = ?", name, number);
            run(connection, "UPDATE client_rows SET value = value + 1 WHERE client = ? AND n = ?", name, number);
            connection.commit();
            connection.setAutoCommit(true);
            String ask = "SELECT value FROM client_rows WHERE client = ? AND n = ?";
            try (PreparedStatement statement = connection.prepareStatement(ask)) {
                statement.setString(1, name);
                statement.setLong(2, number);
                try (ResultSet rows = statement.executeQuery()) {
                    if (!rows.next() || rows.getInt(1) != 2) {
                        throw new IllegalStateException("read back something else in round " + number);
                    }
                }
            }
        }
    }

    private static void run(Connection connection, String sql, String name, long number) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, name);
            statement.setLong(2, number);
            statement.executeUpdate();
        }
    }
}
