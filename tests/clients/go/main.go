// pgx's pool (CLIENT_DRIVER=pgx) or lib/pq through database/sql. What it does and prints: tests/clients/README.md.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/lib/pq"
)

const (
	insert = "INSERT INTO client_rows (client, n, value) VALUES ($1, $2, 0)"
	update = "UPDATE client_rows SET value = value + 1 WHERE client = $1 AND n = $2"
	ask    = "SELECT value FROM client_rows WHERE client = $1 AND n = $2"
)

type round func(name string, n int64) (int, error)

func withPgx(url string) (round, error) {
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		return nil, err
	}
	return func(name string, n int64) (value int, err error) {
		ctx := context.Background()
		if _, err = pool.Exec(ctx, insert, name, n); err != nil {
			return
		}
		tx, err := pool.Begin(ctx)
		if err != nil {
			return
		}
		defer tx.Rollback(ctx)
		for range 2 {
			if _, err = tx.Exec(ctx, update, name, n); err != nil {
				return
			}
		}
		if err = tx.Commit(ctx); err != nil {
			return
		}
		err = pool.QueryRow(ctx, ask, name, n).Scan(&value)
		return
	}, nil
}

func withPq(url string) (round, error) {
	pool, err := sql.Open("postgres", url)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(4)
	return func(name string, n int64) (value int, err error) {
		if _, err = pool.Exec(insert, name, n); err != nil {
			return
		}
		tx, err := pool.Begin()
		if err != nil {
			return
		}
		defer tx.Rollback()
		for range 2 {
			if _, err = tx.Exec(update, name, n); err != nil {
				return
			}
		}
		if err = tx.Commit(); err != nil {
			return
		}
		err = pool.QueryRow(ask, name, n).Scan(&value)
		return
	}, nil
}

func main() {
	make := map[string]func(string) (round, error){"pgx": withPgx, "pq": withPq}[os.Getenv("CLIENT_DRIVER")]
	one, err := make(os.Getenv("CLIENT_URL"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rest, err := strconv.Atoi(os.Getenv("CLIENT_REST_MS"))
	if err != nil {
		rest = 10
	}
	acknowledged, longest, failed := 0, 0.0, []string{}
	for n := int64(1); ; n++ {
		if _, err := os.Stat(os.Getenv("CLIENT_STOP")); err == nil {
			break
		}
		began := time.Now()
		value, err := one(os.Getenv("CLIENT_NAME"), n)
		if err == nil && value != 2 {
			err = fmt.Errorf("read back something else in round %d", n)
		}
		if err == nil {
			acknowledged++
		} else {
			failed = append(failed, err.Error())
		}
		longest = max(longest, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(time.Duration(rest) * time.Millisecond)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"acknowledged": acknowledged, "failed": failed, "longest_ms": longest,
	})
}
